/**
 * Chance from one seed, for tests that do many things at random: Mulberry32 (Tommy Ettinger, 2017), 32 bits of state.
 * What is chosen follows the seed; when things happen in real processes does not.
 */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, end). */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  /** An integer from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  isOneIn(count: number): boolean {
    return this.fraction() * count < 1;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Chance of its own, so that one user of it does not disturb another. */
  fork(): Chance {
    return new Chance(this.below(2 ** 32));
  }
}
