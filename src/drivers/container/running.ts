import { join } from "node:path";
import { sleep, within } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Cage, Process, ProcessUsage } from "#/base/processes.ts";
import type { InstanceOrder, VolumeOrder } from "#/model/hosting.ts";
import type { TerminalOrder } from "#/model/terminal.ts";
import type {
  FrozenVolume,
  InstanceDriverParts,
  InstanceTerminal,
  PreparedDisk,
  RunningInstance,
} from "../instance-driver.ts";
import { runCommand } from "../instances/command.ts";
import { HostingError } from "../instances/hosting-error.ts";
import type { ContainerVolumes } from "./container-volumes.ts";
import type { VolumeDevices } from "./volume-device.ts";
import { runOf } from "./bundle.ts";
import { endedByPowerOff } from "./launch-script.ts";
import { signalNumber } from "./signals.ts";
import { fileText, type Known } from "./supervisor.ts";
import { openTerminal } from "./terminal.ts";

type Parts = Pick<InstanceDriverParts, "clock" | "files" | "processes" | "random" | "log">;
type Ended = Awaited<RunningInstance["ended"]>;

interface Place {
  folder: string;
  order: InstanceOrder;
  cage: Cage | undefined;
  devices: VolumeDevices;
  volumes: ContainerVolumes;
  /** The process that stays beside it. */
  supervisor: Pick<Known, "pid">;
}

/** A container that runs, as its files and the kernel tell. */
export class RunningContainer implements RunningInstance {
  readonly startedAt: number;
  readonly ended: Promise<Ended>;
  #parts: Parts;
  #place: Place;
  #hasEnded = false;
  #isStopping = false;

  private constructor(
    parts: Parts,
    place: Place,
    startedAt: number,
    supervisorEnded: Promise<unknown>,
  ) {
    this.#parts = parts;
    this.#place = place;
    this.startedAt = startedAt;
    this.ended = supervisorEnded.then(() => this.#fold());
  }

  /** One that an earlier life of the agent has started. */
  static async adopt(
    parts: Parts,
    place: Place & { supervisor: Known },
  ): Promise<RunningContainer> {
    const begunAt = (await begunAtOf(parts, place)) ?? parts.clock.now();
    const gone = untilGone(parts, place.supervisor);
    return new RunningContainer(parts, place, begunAt, gone);
  }

  /**
   * Resolves when its program runs. Throws HostingError: "Client.InvalidImage" where the image's program cannot be,
   * "Server.InternalError" where the machine is at fault; nothing of it runs then.
   */
  static async begun(parts: Parts, place: Place & { process: Process }): Promise<RunningContainer> {
    const { clock } = parts;
    const { process, cage } = place;
    const shell: { hasEnded?: boolean } = {};
    const gone = process.ended.then(
      () => void (shell.hasEnded = true),
      () => void (shell.hasEnded = true),
    );
    const latest = clock.monotonicMs() + limits.containerStartMs;
    for (;;) {
      const hasEnded = shell.hasEnded;
      const begunAt = await begunAtOf(parts, place);
      if (begunAt !== undefined) return new RunningContainer(parts, place, begunAt, gone);
      if (hasEnded || clock.monotonicMs() > latest) break;
      await sleep(clock, limits.containerBeginLookMs);
    }
    cage?.kill();
    process.signal("SIGKILL");
    await gone;
    throw await notBegun(parts, place);
  }

  async stop(patienceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#ask(patienceMs, async () => (this.#hasEnded ? "done" : this.#pid()));
    if (!this.#hasEnded) this.#place.cage?.kill();
    await this.ended;
    await this.#forget();
  }

  async reboot(): Promise<void> {
    const { folder } = this.#place;
    const { files } = this.#parts;
    const before = await this.#pid();
    await (await files.append(join(folder, "again"))).close();
    let now = before;
    await this.#ask(limits.instanceStopMs, async () => {
      now = await this.#pid();
      return this.#hasEnded || (now !== undefined && now !== before) ? "done" : now;
    });
    if (now === undefined || now === before || this.#hasEnded)
      throw new HostingError(
        "Server.InternalError",
        `Cannot reboot ${this.#place.order.instance} as it must run: it has ended`,
      );
  }

  async console(): Promise<Uint8Array> {
    const halves = await Promise.all(
      ["console.0", "console.1"].map((name) =>
        this.#parts.files.read(join(this.#place.folder, name)),
      ),
    );
    return Buffer.concat(halves.map((half) => half ?? new Uint8Array())).subarray(
      -limits.consoleBytesMax,
    );
  }

  terminal(asked: Pick<TerminalOrder, "command" | "size">): Promise<InstanceTerminal> {
    return openTerminal(this.#parts, this.#place, asked);
  }

  screenshot(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  volumes(): Promise<string[]> {
    return this.#place.volumes.list();
  }

  attach(disk: PreparedDisk): Promise<void> {
    return this.#place.volumes.attach(disk);
  }

  detach(volume: string): Promise<void> {
    return this.#place.volumes.detach(volume);
  }

  changed(disk: PreparedDisk): Promise<void> {
    return this.#place.volumes.changed(disk);
  }

  freeze(order: VolumeOrder): Promise<FrozenVolume> {
    return this.#place.volumes.freeze(order);
  }

  handles(): string[] {
    return [join(this.#place.folder, "pid")];
  }

  use(): ProcessUsage | undefined {
    const { cpuMs, memoryBytes } = this.#place.cage?.usage() ?? {};
    return cpuMs === undefined || memoryBytes === undefined ? undefined : { cpuMs, memoryBytes };
  }

  /** Signals whom `look` gives, each once, until that says that it is done, and kills it when that takes too long. */
  async #ask(patienceMs: number, look: () => Promise<number | "done" | undefined>): Promise<void> {
    const { clock, processes } = this.#parts;
    const signal = await this.#stopSignal();
    const asked = new Set<number>();
    const latest = clock.monotonicMs() + patienceMs;
    const last = latest + killedMs;
    for (;;) {
      const pid = await look();
      if (pid === "done" || clock.monotonicMs() >= last) return;
      if (pid !== undefined && clock.monotonicMs() >= latest) processes.kill(pid);
      else if (pid !== undefined && !asked.has(pid)) processes.kill(pid, signal);
      if (pid !== undefined) asked.add(pid);
      await within(clock, askAgainMs, this.ended);
    }
  }

  async #pid(): Promise<number | undefined> {
    const text = await fileText(this.#parts, join(this.#place.folder, "pid"));
    return text && !this.#hasEnded ? Number(text) : undefined;
  }

  /** The image's; of an init that says none, by which program it is. */
  async #stopSignal(): Promise<number> {
    const { order } = this.#place;
    const { stopSignal } = runOf(order);
    if (stopSignal !== "" || order.kind === "container") return signalNumber(stopSignal);
    const pid = await this.#pid();
    const { output } = await runCommand(this.#parts.processes, ["readlink", `/proc/${pid}/exe`]);
    const program = output.trim();
    if (program.endsWith("/systemd")) return signalNumber("SIGRTMIN+3");
    return signalNumber(program.endsWith("/busybox") ? "SIGUSR2" : "SIGPWR");
  }

  async #fold(): Promise<Ended> {
    const { folder, order, cage } = this.#place;
    const code = await fileText(this.#parts, join(folder, "exit"));
    const memoryKills = cage?.usage().memoryKills ?? 0;
    this.#hasEnded = true;
    await clear(this.#parts, cage);
    await this.#place.devices.closeAll();
    const exitCode = code === undefined ? undefined : Number(code);
    if (memoryKills > 0 && exitCode !== 0)
      return {
        by: "crash",
        ...(exitCode !== undefined && { exitCode }),
        message: `it needed more memory than the ${order.memoryBytes} bytes that it has`,
      };
    if (exitCode === undefined)
      return this.#isStopping
        ? { by: "signal" }
        : { by: "crash", message: "what looked after it was killed" };
    if (order.kind === "system" && exitCode === endedByPowerOff)
      return { by: "itself", exitCode: 0 };
    const fault = await fileText(this.#parts, join(folder, "run.log"));
    if (fault) return { by: "crash", exitCode, message: fault };
    if (order.kind === "system" && exitCode !== 0 && !this.#isStopping)
      return { by: "crash", exitCode, message: `its init has ended with ${exitCode}` };
    const isSignal = exitCode > 128 && exitCode <= 128 + signalsMax;
    return { by: isSignal ? "signal" : "itself", exitCode };
  }

  /** It is known that it has ended. */
  async #forget(): Promise<void> {
    for (const name of ["exit", "supervisor"])
      await this.#parts.files.remove(join(this.#place.folder, name));
  }
}

const signalsMax = 64;
const askAgainMs = 20;
/** What was killed has so long to end. */
const killedMs = 5_000;

async function untilGone({ clock, processes }: Parts, { pid, ticks }: Known): Promise<void> {
  while (processes.isAlive(pid, ticks))
    await new Promise<void>((resolve) => {
      clock.after(limits.containerEndLookMs, resolve, true);
    });
}

/** Nothing that it started beside itself stays. */
async function clear({ clock }: Parts, cage: Cage | undefined): Promise<void> {
  for (let tries = 0; cage && tries < 200; tries++) {
    cage.kill();
    if (cage.remove()) return;
    await sleep(clock, Math.min(2 + tries, 20));
  }
}

async function notBegun(parts: Parts, { folder, order }: Place): Promise<HostingError> {
  const fault = await fileText(parts, join(folder, "run.log"));
  if (fault)
    return new HostingError(
      "Client.InvalidImage",
      `Cannot start ${order.instance} from its image: ${fault.split("\n").at(-1)}`,
    );
  const log = await fileText(parts, join(folder, "launch.log"));
  return new HostingError(
    "Server.InternalError",
    `Cannot start ${order.instance} on this machine: ${log?.split("\n").slice(-3).join("; ") ?? "it did not begin"}`,
  );
}

/** The same for each life of the agent. Undefined before it has begun: crun makes the file a moment before it writes it. */
async function begunAtOf({ files }: Pick<Parts, "files">, { folder }: Pick<Place, "folder">) {
  const begun = await files.stat(join(folder, "pid"));
  return begun && begun.sizeBytes > 0 ? Math.round(begun.modifiedMs) : undefined;
}
