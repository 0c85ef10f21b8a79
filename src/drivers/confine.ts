import { sleep } from "#/base/clock.ts";
import type { Cage, CageLimits, Process, ProcessUsage } from "#/base/processes.ts";
import type { DriverParts } from "./driver.ts";

export const markName = "CANOPY_MARK";

/**
 * The bounds of one process and all that it starts: a cage where the kernel lets us; where not, its
 * group is looked at every now and then, and what slipped out of the group is found by a mark in its
 * environment.
 */
export class Confinement {
  readonly cage: Cage | undefined;
  /** To be part of the environment of what starts inside. */
  readonly mark: string;
  #parts: Pick<DriverParts, "clock" | "processes">;
  #process: Process | undefined;
  #peakBytes = 0;
  #lastUsage: ProcessUsage = { cpuMs: 0, memoryBytes: 0 };
  #memoryBytesMax: number;
  #overMemory = false;

  constructor(
    parts: Pick<DriverParts, "clock" | "processes" | "cages" | "mark">,
    name: string,
    limits: CageLimits,
  ) {
    this.#parts = parts;
    this.mark = `${parts.mark}-${name}`;
    this.cage = parts.cages?.make(name, limits);
    this.#memoryBytesMax = limits.memoryBytes ?? Infinity;
  }

  /** The process that was started inside. */
  holds(process: Process): void {
    this.#process = process;
  }

  /** Takes a look; true when it holds more memory than it may, which nothing else would end. */
  look(): boolean {
    if (this.cage || !this.#process) return false;
    const usage = this.#parts.processes.groupUsage(this.#process.pid);
    this.#lastUsage = { ...usage, cpuMs: Math.max(usage.cpuMs, this.#lastUsage.cpuMs) };
    this.#peakBytes = Math.max(this.#peakBytes, usage.memoryBytes);
    if (usage.memoryBytes > this.#memoryBytesMax) this.#overMemory = true;
    return usage.memoryBytes > this.#memoryBytesMax;
  }

  /** Of all that was ever inside, as far as is known. */
  usage(): { cpuMs: number; memoryBytes: number } {
    if (!this.cage) return { cpuMs: this.#lastUsage.cpuMs, memoryBytes: this.#peakBytes };
    const { cpuMs, memoryPeakBytes } = this.cage.usage();
    return { cpuMs, memoryBytes: memoryPeakBytes };
  }

  /** True when something inside was ended for want of memory. */
  ranOutOfMemory(): boolean {
    return this.cage ? this.cage.usage().memoryKills > 0 : this.#overMemory;
  }

  /** Ends all that is inside; resolves when nothing is left. Gives how many outlived the process itself. */
  async end(): Promise<number> {
    const left = this.#left();
    this.#process?.signal("SIGKILL");
    if (this.cage) this.cage.kill();
    else
      for (const pid of this.#parts.processes.marked(markName, this.mark))
        this.#parts.processes.kill(pid);
    for (let tries = 0; this.cage && !this.cage.remove() && tries < 200; tries++) {
      await sleep(this.#parts.clock, Math.min(2 + tries, 20));
      this.cage.kill();
    }
    return left;
  }

  #left(): number {
    if (this.cage) return this.cage.isEmpty() ? 0 : 1;
    return this.#parts.processes.marked(markName, this.mark).length;
  }
}
