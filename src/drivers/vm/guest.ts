import { sleep } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Cage, ProcessUsage } from "#/base/processes.ts";
import type { VolumeOrder } from "#/model/hosting.ts";
import type { TerminalOrder } from "#/model/terminal.ts";
import type {
  FrozenVolume,
  InstanceDriverParts,
  InstanceTerminal,
  MemoryFile,
  PreparedDisk,
  RunningInstance,
} from "../instance-driver.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { endOf, wordsOfCrash, type Ending } from "./ending.ts";
import { fallBack, hasFoundNoDisk } from "./fallback.ts";
import { consoleTail, panicIn } from "./guest-console.ts";
import { GuestDisks } from "./guest-disks.ts";
import { razeJail } from "./jail.ts";
import { consoleSocket, machineFile, monitorSocket, passage, type Machine } from "./machine.ts";
import { memoryPathOf } from "./memory-backing.ts";
import { keepMemory } from "./memory-file.ts";
import { moveOut, stay } from "./moving.ts";
import { pngOfPpm } from "./picture.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";
import { SharedConsole } from "./shared-console.ts";

/** What a guest is told of its surroundings. */
export interface GuestPlace {
  parts: InstanceDriverParts;
  folder: string;
  machine: Machine;
  cage: Cage | undefined;
}

/**
 * A guest that runs. QEMU stands still when the guest has shut itself down or its kernel has given up, and so can tell which
 * of both it was whenever somebody asks: it is ended by us, who then have heard of it.
 */
export class Guest implements RunningInstance {
  readonly startedAt: number;
  readonly ended: Promise<Ending>;
  #place: GuestPlace;
  #qmp: Qmp;
  #disks: GuestDisks;
  #terminals: SharedConsole;
  #end = Promise.withResolvers<Ending>();
  /** What is known of its end, once it is on its way. */
  #ending: Promise<void> | undefined;
  #isAsked = false;
  #isLeft = false;

  constructor(place: GuestPlace, qmp: Qmp) {
    const { parts, folder, machine } = place;
    this.#place = place;
    this.#qmp = qmp;
    this.startedAt = machine.startedAt;
    this.ended = this.#end.promise;
    this.#disks = new GuestDisks(qmp, parts, folder, machine);
    this.#terminals = new SharedConsole(() =>
      parts.sockets.connect({ path: consoleSocket(folder) }),
    );
    qmp.onEvent((event) => void this.#hear(event));
    void qmp.closed.then(() => this.#lost());
  }

  /** Looks at how it is now, as it may be after a time in which nobody listened. False for what has never begun. */
  async look(): Promise<boolean> {
    const { status } = await this.#qmp.run<{ status: string }>("query-status");
    if (status === "prelaunch" || status === "inmigrate") return false;
    const ending = endOf(status);
    if (ending) await this.#finish(ending);
    // Sent to a file or another machine, and whoever sent it has not said that it may run there.
    else if (status !== "running" && !this.#place.machine.hasLeft) await this.#qmp.run("cont");
    return true;
  }

  /** It is a Linux, which looks at its disk sooner or later: where it never does, the machine is not one for it. */
  mustBoot(): void {
    const { clock } = this.#place.parts;
    const look = async () => {
      const [root] = this.#ending || this.#isLeft ? [] : await this.#disks.list();
      if (root === undefined || (await this.#disks.isRead(root))) return;
      if ((this.use()?.cpuMs ?? 0) < limits.guestBlindCpuMs) return this.mustBoot();
      await this.#fallsBack("it has not looked at its disk");
      await this.#finish({ by: "crash", message: "The guest does not boot as a microvm" });
    };
    clock.after(limits.guestLookMs, () => void look().catch(() => {}), true);
  }

  async stop(patienceMs: number): Promise<void> {
    this.#isAsked = true;
    if (!this.#ending && patienceMs > 0) await this.#askToEnd(patienceMs).catch(() => {}); // it is ended anyway
    await this.#finish({ by: "signal" });
  }

  /**
   * As a person does who presses Control, Alt and Delete: what runs in it may end well. What has no keyboard, or does not
   * listen, begins anew at once.
   */
  async reboot(): Promise<void> {
    const hasKeyboard = this.#place.machine.type === "q35";
    const keys = ["ctrl", "alt", "delete"].map((data) => ({ type: "qcode", data }));
    const heard =
      hasKeyboard &&
      (await this.#qmp.expect(
        () => this.#qmp.run("send-key", { keys }),
        ({ event }) => event === "RESET",
        limits.guestRebootMs,
      ));
    if (!heard && !this.#ending) await this.#qmp.run("system_reset");
  }

  console(): Promise<Uint8Array> {
    const { parts, folder } = this.#place;
    return consoleTail(parts.files, folder);
  }

  async terminal({ command }: Pick<TerminalOrder, "command">): Promise<InstanceTerminal> {
    if (!command) return this.#terminals.join();
    const { instance } = this.#place.machine;
    throw new CanopyError(
      "conflict",
      `Cannot run a command in ${instance} as it must be a container: a machine's programs are its own`,
      { hint: `canopy instances ssh ${instance} -- ${command.join(" ")}` },
    );
  }

  async screenshot(): Promise<Uint8Array | undefined> {
    const { parts, folder, machine } = this.#place;
    if (!machine.hasDisplay) return undefined;
    const { inside, outside } = passage(folder, machine.jail, "picture");
    try {
      const isDrawn = await this.#qmp.run("screendump", { filename: inside, format: "png" }).then(
        () => true,
        () => false,
      );
      if (!isDrawn) await this.#qmp.run("screendump", { filename: inside });
      const length = limits.pictureBytesMax;
      const picture = await parts.files.read(outside, { offset: 0, length });
      return picture && (isDrawn ? picture : pngOfPpm(picture));
    } finally {
      await parts.files.remove(outside);
    }
  }

  volumes(): Promise<string[]> {
    return this.#disks.list();
  }

  attach(disk: PreparedDisk): Promise<void> {
    return this.#disks.attach(disk);
  }

  detach(volume: string): Promise<void> {
    return this.#disks.detach(volume);
  }

  changed(disk: PreparedDisk): Promise<void> {
    return this.#disks.changed(disk);
  }

  freeze(volume: VolumeOrder): Promise<FrozenVolume> {
    return this.#disks.freeze(volume);
  }

  async hibernate(file: MemoryFile): Promise<void> {
    const { parts, folder, machine } = this.#place;
    await this.#qmp.run("stop");
    try {
      await keepMemory(parts, this.#qmp, passage(folder, machine.jail, "memory"), file);
    } catch (thrown) {
      await this.#qmp.run("cont").catch(() => {});
      throw new HostingError(
        "Server.InternalError",
        `Cannot keep the memory of the guest: ${messageOf(thrown)}; it goes on`,
        { cause: thrown },
      );
    }
    await this.#finish({ by: "signal" });
  }

  async migrate(to: {
    address: string;
    port: number;
    key: string;
    withDisks: boolean;
  }): Promise<{ pauseMs: number }> {
    const { parts, folder, machine } = this.#place;
    if (machine.hasLeft)
      throw new HostingError(
        "Server.InternalError",
        "Cannot move the guest: it may have moved already, and stands still here",
      );
    const move = {
      parts,
      qmp: this.#qmp,
      volumes: to.withDisks ? await this.#disks.list() : [],
      memoryFile: machine.isEmulated ? memoryPathOf(machine.pid) : undefined,
      passageOf: (name: string) => passage(folder, machine.jail, name),
      onLeaving: () => this.#mayRunElsewhere(true),
    };
    const aim = { host: to.address, port: to.port, key: Buffer.from(to.key, "base64") };
    try {
      return await moveOut(move, aim);
    } catch (thrown) {
      if (!(await this.stands().catch(() => true))) await this.#mayRunElsewhere(false);
      throw thrown;
    }
  }

  /** On disk when it resolves. */
  async #mayRunElsewhere(may: boolean): Promise<void> {
    const { parts, folder, machine } = this.#place;
    if (may) machine.hasLeft = true;
    else if (machine.hasLeft) delete machine.hasLeft;
    else return;
    await parts.files.write(machineFile(folder), JSON.stringify(machine), { mode: 0o600 });
  }

  handles(): string[] {
    const { pid, ticks } = this.#place.machine;
    return [`${pid}:${ticks}`];
  }

  async stands(): Promise<boolean> {
    const { running } = await this.#qmp.run<{ running: boolean }>("query-status");
    return !running;
  }

  async goOn(): Promise<void> {
    const volumes = await this.#disks.list();
    await this.#qmp.run("migrate_cancel").catch(() => {}); // there may be none any more
    await stay({ qmp: this.#qmp, volumes });
    await this.#mayRunElsewhere(false);
  }

  use(): ProcessUsage | undefined {
    const { parts, machine } = this.#place;
    return parts.processes.usage(machine.pid);
  }

  leave(): void {
    this.#isLeft = true;
    this.#terminals.close();
    this.#qmp.close();
  }

  async #askToEnd(patienceMs: number): Promise<void> {
    const { running } = await this.#qmp.run<{ running: boolean }>("query-status");
    if (!running) return;
    await this.#qmp.expect(
      () => this.#qmp.run("system_powerdown"),
      ({ event }) => event === "SHUTDOWN",
      patienceMs,
    );
  }

  async #hear({ event, data }: QmpEvent): Promise<void> {
    if (event === "SHUTDOWN" && data["guest"] === true) {
      const byItself = this.#isAsked ? "signal" : "itself";
      await this.#finish(
        data["reason"] === "guest-panic" ? await this.#panicked() : { by: byItself },
      );
    } else if (event === "GUEST_PANICKED") await this.#finish(await this.#panicked());
    else if (event === "RESET" && data["guest"] === true) {
      // A kernel that has given up may begin anew by itself, again and again.
      if (panicIn(await this.console()) !== undefined) await this.#finish(await this.#panicked());
    }
  }

  async #fallsBack(why: string): Promise<void> {
    const { parts, folder, machine } = this.#place;
    await fallBack(parts.files, folder, why);
    parts.log.warn(
      `${machine.instance} does not boot as a microvm; its next start is on a whole computer`,
      { why },
    );
  }

  async #panicked(): Promise<Ending> {
    const words = panicIn(await this.console());
    const isMicro = this.#place.machine.type === "microvm";
    if (isMicro && words !== undefined && hasFoundNoDisk(words)) await this.#fallsBack(words);
    return { by: "crash", message: words ?? "The guest's kernel has given up" };
  }

  /** Its monitor has gone: it has ended, or does not listen to us any more. */
  async #lost(): Promise<void> {
    const { parts, folder, cage } = this.#place;
    if (this.#ending || this.#isLeft) return;
    for (let tries = 0; this.#isAlive() && tries < 50; tries++) await sleep(parts.clock, 20);
    if (this.#ending) return;
    const message = await wordsOfCrash(parts.files, folder, cage);
    await this.#finish({ by: "crash", message });
  }

  /** Ends what is left of it. */
  #finish(ending: Ending): Promise<void> {
    this.#ending ??= this.#clear().then(() => this.#end.resolve(ending));
    return this.#ending;
  }

  async #clear(): Promise<void> {
    const { parts, folder, machine, cage } = this.#place;
    this.#terminals.close();
    if (this.#isAlive()) await this.#qmp.run("quit", undefined, limits.killGraceMs).catch(() => {});
    for (let tries = 0; this.#isAlive() && tries < 100; tries++) await sleep(parts.clock, 20);
    this.#qmp.close();
    await clearGuest(parts, folder, machine, cage);
  }

  #isAlive(): boolean {
    const { parts, machine } = this.#place;
    return parts.processes.isAlive(machine.pid, machine.ticks);
  }
}

/** Ends what still lives of a guest by force, and takes away all that was made for it, but for what it has printed. */
export async function clearGuest(
  { processes, files, clock }: InstanceDriverParts,
  folder: string,
  machine: Pick<Machine, "pid" | "ticks" | "jail">,
  cage: Cage | undefined,
): Promise<void> {
  if (processes.isAlive(machine.pid, machine.ticks)) processes.kill(machine.pid);
  for (let tries = 0; processes.isAlive(machine.pid, machine.ticks) && tries < 500; tries++)
    await sleep(clock, 10);
  cage?.kill();
  for (let tries = 0; cage && !cage.remove() && tries < 100; tries++) await sleep(clock, 10);
  if (machine.jail) await razeJail(processes, machine.jail);
  for (const path of [machineFile(folder), monitorSocket(folder)]) await files.remove(path);
}

/** Its monitor, as soon as it listens. Throws HostingError with its own words when it ends before. */
export async function openMonitor({ parts, folder, machine, cage }: GuestPlace): Promise<Qmp> {
  const { clock, sockets, processes, files } = parts;
  const untilMs = clock.monotonicMs() + limits.emulatorStartMs;
  for (;;) {
    const qmp = await Qmp.open(sockets, clock, monitorSocket(folder)).catch(() => undefined);
    if (qmp) return qmp;
    if (!processes.isAlive(machine.pid, machine.ticks) || clock.monotonicMs() > untilMs)
      throw new HostingError(
        "Server.InternalError",
        `Cannot start the guest: ${await wordsOfCrash(files, folder, cage)}`,
      );
    await sleep(clock, limits.emulatorLookMs);
  }
}
