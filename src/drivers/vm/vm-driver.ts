import { dirname } from "node:path";
import { limits } from "#/base/limits.ts";
import type { Cage, Cages } from "#/base/processes.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import { markName } from "../confine.ts";
import type {
  InstanceDriver,
  InstanceDriverParts,
  InstanceMeans,
  RunningInstance,
} from "../instance-driver.ts";
import { systemPath } from "../instances/command.ts";
import { HostingError } from "../instances/hosting-error.ts";
import type { ShellWatch } from "../instances/lasting-shell.ts";
import { commandLine, type GuestPlan } from "./command-line.ts";
import { consoleShell } from "./console-shell.ts";
import { limitDisk } from "./disk-limits.ts";
import { isLimited } from "./disk-nodes.ts";
import type { Emulator } from "./emulator.ts";
import { machineTypeOf } from "./fallback.ts";
import { clearGuest, Guest, openMonitor, type GuestPlace } from "./guest.ts";
import { bootOf } from "./guest-boot.ts";
import { buildJail, jailOf } from "./jail.ts";
import { memoryPathOf } from "./memory-backing.ts";
import { giveMemory } from "./memory-file.ts";
import { consoleFile, machineFile, passage, wordsFile, type Machine } from "./machine.ts";
import { moveIn } from "./moving.ts";
import type { Qmp } from "./qmp.ts";
import { keepSecrets } from "./secret-files.ts";

/** Guests with a kernel of their own, by QEMU. */
export class VmDriver implements InstanceDriver {
  readonly kinds = ["microvm", "vm"] as const;
  #parts: InstanceDriverParts;
  #emulator: Emulator;
  #cages: Cages | undefined;
  #consoles: ShellWatch | undefined;

  constructor(parts: InstanceDriverParts, emulator: Emulator) {
    this.#parts = parts;
    this.#emulator = emulator;
    this.#cages = parts.processes.cages(`${parts.mark}-vm`, { lasting: true });
  }

  async find(folder: string, order: InstanceOrder): Promise<RunningInstance | undefined> {
    const { files, processes } = this.#parts;
    const machine = machineOf(await files.read(machineFile(folder)));
    if (!machine) {
      this.#endMarked(order.instance);
      return undefined;
    }
    const cage = this.#cages?.make(order.instance, cageLimits(machine, order));
    const place: GuestPlace = { parts: this.#parts, folder, machine, cage };
    try {
      if (!processes.isAlive(machine.pid, machine.ticks)) throw new Error("it has ended");
      const guest = new Guest(place, await openMonitor(place));
      this.#keepConsoles(folder);
      if (await guest.look()) return guest;
      guest.leave();
      throw new Error("it has never begun");
    } catch {
      await clearGuest(this.#parts, folder, machine, cage);
      return undefined;
    }
  }

  async start(
    folder: string,
    order: InstanceOrder,
    means: InstanceMeans,
  ): Promise<RunningInstance> {
    const { files, processes, clock } = this.#parts;
    if (await files.stat(machineFile(folder)))
      await this.find(folder, order).then((left) => left?.stop(0));
    const type = await machineTypeOf(files, folder, order);
    const emulator = this.#emulator;
    const boot = await bootOf(this.#parts, order, { type, emulator });
    const jail = emulator.isPrivileged ? jailOf(folder, order.instance) : undefined;
    const machine = {
      instance: order.instance,
      fence: order.fence,
      type,
      isEmulated: !emulator.hasKvm,
      memoryBytes: order.memoryBytes,
      hasDisplay: type === "q35",
      startedAt: clock.now(),
      ...(jail && { jail }),
    };
    const cage = this.#cages?.make(order.instance, cageLimits(machine, order));
    const secretFiles = await keepSecrets(this.#parts, folder, means.disks);
    const waitsForMemory = means.resumesFrom !== undefined || means.awaitsMigration !== undefined;
    const plan: GuestPlan = {
      emulator,
      type,
      order,
      disks: means.disks,
      secretFiles,
      network: means.network,
      ...(boot && { boot }),
      ...(jail && { jail }),
      isHeld: waitsForMemory || means.disks.some(isLimited),
      waitsForMemory,
    };
    let living: Machine = { ...machine, pid: 0, ticks: 0 };
    try {
      if (jail) await buildJail(processes, jail, means.disks);
      const printed = consoleFile(folder);
      for (const path of [printed, `${printed}.before`, wordsFile(folder)])
        await files.remove(path);
      means.begins?.();
      living = await this.#spawn(folder, machine, commandLine(plan), cage);
      const place = { parts: this.#parts, folder, machine: living, cage };
      const qmp = await openMonitor(place);
      for (const disk of means.disks.filter(isLimited)) await limitDisk(qmp, disk);
      await this.#remember(place, qmp, means);
      if (plan.isHeld && !means.awaitsMigration) await qmp.run("cont");
      const guest = new Guest(place, qmp);
      this.#keepConsoles(folder);
      if (type === "microvm" && order.root.type !== "unikernel") guest.mustBoot();
      return guest;
    } catch (thrown) {
      await clearGuest(this.#parts, folder, living, cage);
      throw thrown;
    } finally {
      for (const file of secretFiles.values()) await files.remove(file);
    }
  }

  /** Its memory comes from where it was before. */
  async #remember(
    { folder, machine }: GuestPlace,
    qmp: Qmp,
    { resumesFrom, awaitsMigration, disks, begins = () => {} }: InstanceMeans,
  ): Promise<void> {
    const passageOf = (name: string) => passage(folder, machine.jail, name);
    if (resumesFrom !== undefined) {
      await giveMemory(this.#parts, qmp, passageOf("memory"), resumesFrom);
      await resumesFrom.isGiven();
    } else if (awaitsMigration) {
      const { address, key, withDisks, onWaiting } = awaitsMigration;
      const volumes = withDisks ? disks.map(({ volume }) => volume) : [];
      const at = { host: address, key: Buffer.from(key, "base64") };
      const memoryFile = machine.isEmulated ? memoryPathOf(machine.pid) : undefined;
      const move = { parts: this.#parts, qmp, volumes, memoryFile, passageOf };
      await moveIn(move, at, { onWaiting, begins });
    }
  }

  async #spawn(
    folder: string,
    machine: Omit<Machine, "pid" | "ticks">,
    command: string[],
    cage: Cage | undefined,
  ): Promise<Machine> {
    const { processes, files } = this.#parts;
    const child = processes.spawn(command, {
      folder,
      env: { PATH: systemPath, [markName]: this.#markOf(machine.instance) },
      detachedLog: wordsFile(folder),
      ...(cage && { cage }),
    });
    const ticks = processes.startedTicks(child.pid);
    if (ticks === undefined) {
      await child.ended; // throws when it could not be started
      throw new HostingError("Server.InternalError", "Cannot start the guest: QEMU ended at once");
    }
    const living = { ...machine, pid: child.pid, ticks };
    await files.write(machineFile(folder), JSON.stringify(living), { mode: 0o600 });
    return living;
  }

  /** Guests of one agent have their folders in one. */
  #keepConsoles(folder: string): void {
    const { processes, mark } = this.#parts;
    this.#consoles ??= consoleShell(processes, mark, dirname(folder));
    this.#consoles.see();
  }

  /** What was started by an earlier life that did not come to write it down. */
  #endMarked(instance: string): void {
    const { processes } = this.#parts;
    for (const pid of processes.marked(markName, this.#markOf(instance))) processes.kill(pid);
  }

  #markOf(instance: string): string {
    return `${this.#parts.mark}-${instance}`;
  }
}

/** Undefined for what is damaged too: no guest can be held by it. */
function machineOf(content: Uint8Array | undefined): Machine | undefined {
  try {
    return content && (JSON.parse(Buffer.from(content).toString()) as Machine);
  } catch {
    return undefined;
  }
}

function cageLimits(
  { isEmulated }: Pick<Machine, "isEmulated">,
  { vcpus, memoryBytes }: InstanceOrder,
) {
  const overheadBytes = isEmulated ? limits.emulatedOverheadBytes : limits.guestOverheadBytes;
  return {
    memoryBytes: memoryBytes + overheadBytes,
    milliCpus: vcpus * 1000 + limits.guestDeviceMilliCpus,
    milliCpusShare: vcpus * 1000,
    processes: limits.guestThreadsMax,
  };
}
