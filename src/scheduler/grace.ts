import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";

/**
 * The time after a start in which tasks from before may still be under way on machines that have not
 * said so yet. It is over when every machine that is known has connected, or any lease from before
 * would have run out.
 */
export class Grace {
  readonly missing: Set<string>;
  isOver = false;
  #timer: Timer | undefined;
  #onOver: () => void;

  constructor(clock: Clock, machines: Iterable<string>, onOver: () => void) {
    this.missing = new Set(machines);
    this.#onOver = onOver;
    this.#timer = clock.after(limits.leaseMs, () => this.#end(), true);
  }

  /** That machine has said what it holds, or is no more. */
  heard(machine: string): void {
    this.missing.delete(machine);
    this.endIfAllHeard();
  }

  endIfAllHeard(): void {
    if (this.missing.size === 0) this.#end();
  }

  stop(): void {
    this.#timer?.cancel();
    this.isOver = true;
  }

  #end(): void {
    if (this.isOver) return;
    this.stop();
    this.#onOver();
  }
}
