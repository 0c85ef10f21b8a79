import type { Clock, Timer } from "#/base/clock.ts";
import type { Life } from "./life.ts";
import type { World } from "./world.ts";

const turnMs = 0.02;
const epochMs = Date.UTC(2030, 0, 1);

/** The clocks of one machine, which run a little too fast or too slow; the wall clock may be set. */
export class MachineClock {
  readonly world: World;
  #rate = 1;
  #sinceMs = 0;
  #monotonicMs: number;
  #wallOffsetMs = 0;

  constructor(world: World, startMs: number) {
    this.world = world;
    this.#monotonicMs = startMs;
  }

  get rate(): number {
    return this.#rate;
  }

  monotonicMs(): number {
    return this.#monotonicMs + (this.world.nowMs - this.#sinceMs) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(epochMs + this.#wallOffsetMs + this.monotonicMs());
  }

  /** From now on a second takes this many seconds of its own. */
  drift(rate: number): void {
    this.#monotonicMs = this.monotonicMs();
    this.#sinceMs = this.world.nowMs;
    this.#rate = rate;
  }

  setWall(offsetMs: number): void {
    this.#wallOffsetMs = offsetMs;
  }

  /** These clocks as one process sees them. */
  of(life: Life): Clock {
    const { world } = this;
    return {
      now: () => this.wallMs(),
      monotonicMs: () => this.monotonicMs(),
      after: (delayMs, action): Timer =>
        world.after(Math.max(delayMs, 1) / this.#rate, life, "timer", action),
      soon: (action) => void world.after(turnMs, life, "soon", action),
    };
  }
}
