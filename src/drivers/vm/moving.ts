import { within, type Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { NbdClient } from "#/base/nbd/nbd-client.ts";
import { joinSockets, linesOf, type Socket, type SocketAddress } from "#/base/sockets.ts";
import type { InstanceDriverParts } from "../instance-driver.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { nodes } from "./disk-nodes.ts";
import type { Passage } from "./machine.ts";
import { memoryName, memoryNode } from "./memory-backing.ts";
import { MemoryCopy } from "./memory-copy.ts";
import { prepareMigration, sendMemory, takeMemory } from "./migration.ts";
import type { Qmp } from "./qmp.ts";

/**
 * A guest moves to another machine while it runs. QEMU speaks only with its own agent, by sockets in its root folder; the
 * agents carry that between the machines, sealed by a key that only both were told. Beside its memory and its disks there
 * is a channel on which they agree who has it: the other side lets it run only when it has heard "go", after which this
 * side never lets it run again. So it stands still on both sides at worst, and never runs on two.
 */
interface Arrival {
  parts: Pick<InstanceDriverParts, "clock" | "sockets" | "files">;
  qmp: Qmp;
  /** Volumes that are copied: those that the other machine does not see already. */
  volumes: readonly string[];
  /** The file that is its memory here, where that is copied by us and not by QEMU. */
  memoryFile?: string | undefined;
  passageOf(name: string): Passage;
}

export interface Move extends Arrival {
  /** From now on the other machine may let it run. */
  onLeaving(): Promise<void>;
}

type Channel = "state" | "disks" | "word";

/** Sends it; gives how long it stood still, until the other side said that it runs. Throws HostingError. */
export async function moveOut(
  move: Move,
  to: { host: string; port: number; key: Uint8Array },
): Promise<{ pauseMs: number }> {
  const { qmp, parts } = move;
  const word = await reach(move, to, "word");
  const said = linesOf(word.incoming, 100);
  const relays = await Promise.all(
    (["state", "disks"] as const).map((channel) => carryOut(move, to, channel)),
  );
  let memory: NbdClient | undefined;
  let stoppedMs = 0;
  const unhear = qmp.onEvent(({ event }) => {
    if (event === "STOP") stoppedMs = parts.clock.monotonicMs();
  });
  let isGone = false;
  try {
    await prepareMigration(qmp, wayOf(move));
    await copyDisks(move);
    if (move.memoryFile !== undefined) {
      memory = await NbdClient.open(await reach(move, to, "disks"), memoryName);
      await leaveWithMemory(move, move.memoryFile, memory);
    }
    // It takes as long as the disk does, and is over before the other side hears that it may.
    const told = move.onLeaving();
    const uri = `unix:${move.passageOf("state").inside}`;
    await sendMemory(qmp, uri, () => leaveCopies(move)).finally(() => told);
    isGone = true;
    await word.write("go\n");
    const answer = await within(parts.clock, limits.guestStandMs, said.next());
    if (answer?.value !== "running") throw new Error("the other machine does not say that it runs");
    return { pauseMs: parts.clock.monotonicMs() - stoppedMs };
  } catch (thrown) {
    if (!isGone) await stay(move);
    const stands = isGone ? "; it stands still here" : "; it goes on here";
    throw new HostingError(
      "Server.InternalError",
      `Cannot move the guest: ${messageOf(thrown)}${stands}`,
      {
        cause: thrown,
      },
    );
  } finally {
    unhear();
    word.close();
    void memory?.close();
    for (const relay of relays) await relay.close();
  }
}

/** What QEMU has to do itself where it sends the memory too, we do before. */
const wayOf = ({ volumes, memoryFile }: Arrival) => ({
  stopsForDisks: memoryFile === undefined && volumes.length > 0,
  leavesMemory: memoryFile !== undefined,
});

/** When this resolves it stands still, and the other side has its memory and its disks. */
async function leaveWithMemory(move: Move, file: string, target: NbdClient): Promise<void> {
  const memory = await MemoryCopy.begin(move.parts, file, target);
  try {
    await memory.runAhead();
    await move.qmp.run("stop");
    const rest = Promise.all([memory.round(), leaveCopies(move)]);
    if (!(await within(move.parts.clock, limits.guestStandMs, rest)))
      throw new Error("the other machine does not take the last of its memory");
  } finally {
    memory.close();
  }
}

/** It goes on where it is. */
export async function stay({ qmp, volumes }: Pick<Move, "qmp" | "volumes">): Promise<void> {
  for (const volume of volumes) await dropCopy(qmp, volume);
  const state = await qmp.run<{ running: boolean }>("query-status").catch(() => undefined);
  if (state && !state.running) await qmp.run("cont").catch(() => {});
}

const copyJob = (volume: string) => `move-${volume}`;
const copyNode = (volume: string) => `n-${volume}`;

/** Until each copy has all, and from then on gets what is written beside. */
async function copyDisks({ qmp, volumes, passageOf }: Move): Promise<void> {
  await Promise.all(
    volumes.map(async (volume) => {
      const id = copyJob(volume);
      await qmp.run("blockdev-add", {
        driver: "nbd",
        "node-name": copyNode(volume),
        server: { type: "unix", path: passageOf("disks").inside },
        export: volume,
      });
      const told = await qmp.expect(
        () =>
          qmp.run("blockdev-mirror", {
            "job-id": id,
            device: nodes.format(volume),
            target: copyNode(volume),
            sync: "full",
            "auto-dismiss": true,
          }),
        ({ event, data }) =>
          data["device"] === id && (event === "BLOCK_JOB_READY" || event === "BLOCK_JOB_COMPLETED"),
        limits.guestCopyMs,
      );
      if (told?.event !== "BLOCK_JOB_READY")
        throw new Error(
          `the volume ${volume} cannot be copied: ${String(told?.data["error"] ?? "it takes too long")}`,
        );
    }),
  );
}

/** The guest stands still: the copies are now equal, and are left so. */
async function leaveCopies({ qmp, volumes }: Move): Promise<void> {
  await Promise.all(
    volumes.map(async (volume) => {
      const id = copyJob(volume);
      const told = await qmp.expect(
        () => qmp.run("block-job-cancel", { device: id }),
        ({ event, data }) =>
          data["device"] === id && /^BLOCK_JOB_(COMPLETED|CANCELLED)$/.test(event),
        limits.emulatorAnswerMs,
      );
      if (!told || told.data["error"] !== undefined)
        throw new Error(`the copy of the volume ${volume} is not whole`);
      await qmp.run("blockdev-del", { "node-name": copyNode(volume) });
    }),
  );
}

async function dropCopy(qmp: Qmp, volume: string): Promise<void> {
  const id = copyJob(volume);
  await qmp
    .expect(
      () => qmp.run("block-job-cancel", { device: id, force: true }),
      ({ event, data }) => data["device"] === id && /^BLOCK_JOB_(COMPLETED|CANCELLED)$/.test(event),
      limits.emulatorAnswerMs,
    )
    .catch(() => {});
  await qmp.run("blockdev-del", { "node-name": copyNode(volume) }).catch(() => {});
}

/** Waits for it, and lets it run. `onWaiting` hears where it may come to; `begins` throws where it may not run any more. Throws HostingError when it does not come. */
export async function moveIn(
  move: Arrival,
  at: { host: string; key: Uint8Array },
  { onWaiting, begins }: { onWaiting: (port: number) => void; begins: () => void },
): Promise<void> {
  const { qmp, parts, passageOf } = move;
  const word = Promise.withResolvers<Socket>();
  const lost = Promise.withResolvers<"lost">();
  const server = await parts.sockets.listen({ ...at, port: 0 }, (socket) => {
    void carryIn(move, socket, (channel) => {
      word.resolve(channel);
      void channel.closed.then(() => lost.resolve("lost"));
    });
  });
  try {
    await prepareMigration(qmp, wayOf(move));
    await offerDisks(move);
    const open = Promise.withResolvers<void>();
    const taken = takeMemory(qmp, `unix:${passageOf("state").inside}`, async () => open.resolve());
    taken.catch(() => open.resolve()); // told below
    await open.promise;
    onWaiting(server.port);
    const said = await within(parts.clock, limits.guestComeMs, word.promise);
    if (!said) throw new Error("nobody has come");
    if ((await Promise.race([taken, lost.promise])) === "lost")
      throw new Error("the other machine has given it up");
    const go = await Promise.race([linesOf(said.incoming, 100).next(), lost.promise]);
    if (go === "lost" || go.value !== "go") throw new Error("the other machine has kept it");
    await withdrawDisks(move);
    begins();
    await qmp.run("cont");
    await sayRunning(parts.clock, said).catch(() => {}); // it runs here whoever has heard of that
  } catch (thrown) {
    throw new HostingError(
      "Server.InternalError",
      `Cannot take the guest in: ${messageOf(thrown)}`,
      { cause: thrown },
    );
  } finally {
    await server.close();
  }
}

async function sayRunning(clock: Clock, word: Socket): Promise<void> {
  await word.write("running\n");
  word.end();
  await within(clock, limits.killGraceMs, word.closed);
}

/** Its memory is one of them while it comes. */
async function offerDisks({ qmp, volumes, passageOf, memoryFile }: Arrival): Promise<void> {
  await qmp.run("nbd-server-start", {
    addr: { type: "unix", data: { path: passageOf("disks").inside } },
  });
  const offer = (node: string, name: string) =>
    qmp.run("block-export-add", {
      type: "nbd",
      id: `x-${name}`,
      "node-name": node,
      name,
      writable: true,
    });
  for (const volume of volumes) await offer(nodes.format(volume), volume);
  if (memoryFile === undefined) return;
  await qmp.run("blockdev-add", memoryNode);
  await offer(memoryName, memoryName);
}

async function withdrawDisks({ qmp, memoryFile }: Arrival): Promise<void> {
  await qmp.run("nbd-server-stop");
  if (memoryFile !== undefined) await qmp.run("blockdev-del", { "node-name": memoryName });
}

/** A stream to the other machine, for one thing. */
async function reach({ parts }: Arrival, to: SocketAddress, channel: Channel): Promise<Socket> {
  const socket = await parts.sockets.connect(to);
  await socket.write(`${channel}\n`);
  const answer = await socket.incoming.next(); // nothing else comes before something was sent
  if (answer.done || Buffer.from(answer.value).toString() !== "ok\n") {
    socket.close();
    throw new HostingError(
      "Server.InternalError",
      "Cannot move the guest: the other machine does not await it",
    );
  }
  return socket;
}

/** What QEMU opens here leads to the other machine. */
async function carryOut(
  move: Move,
  to: SocketAddress,
  channel: "state" | "disks",
): Promise<{ close(): Promise<void> }> {
  const { outside } = move.passageOf(channel);
  return move.parts.sockets.listen({ path: outside }, (near) => {
    reach(move, to, channel).then(
      (far) => void joinSockets(near, far),
      () => near.close(),
    );
  });
}

/** What comes from the other machine leads to QEMU. */
async function carryIn(
  { parts, passageOf }: Arrival,
  far: Socket,
  onWord: (socket: Socket) => void,
): Promise<void> {
  try {
    const { value: channel } = await linesOf(far.incoming, 100).next();
    if (channel === "word") {
      await far.write("ok\n");
      return onWord(far);
    }
    if (channel !== "state" && channel !== "disks") return far.close();
    const near = await parts.sockets.connect({ path: passageOf(channel).outside });
    await far.write("ok\n");
    await joinSockets(near, far);
  } catch {
    far.close();
  }
}
