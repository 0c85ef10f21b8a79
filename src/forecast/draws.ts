import { anything, possible, type Distribution } from "#/autonomic/knowledge/distribution.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { Chance } from "#/base/chance.ts";

const nothingSeen = { endedMs: [], runningMs: [] };

/**
 * What chance decides in one fork. It follows from the seed, the number of the fork and what it is about, not
 * from the order in which things are asked: so the same task takes as long in two forks of the same
 * number, whatever else was changed between them, and a comparison sees the change alone.
 */
export class Draws {
  #known: KnownRunTimes;
  #seed: number;
  #possible = new Map<string, Distribution>();

  constructor(known: KnownRunTimes, seed: number, fork: number) {
    this.#known = known;
    this.#seed = mixed(mixed(seed) ^ (fork + 1));
  }

  /** How long an attempt takes in all, given that it takes more than `ranMs`. `sorts` as by `sortsOf`. */
  runMs(sorts: readonly string[], machineType: string, attempt: string, ranMs: number): number {
    const slowness = this.#known.slowness.get(machineType) ?? 1;
    const distribution = this.#of(sorts, 0);
    return slowness * distribution.quantileMs(this.share(attempt), ranMs / slowness);
  }

  /** A number in [0, 1) that belongs to this text. */
  share(text: string): number {
    return mixed(hashOf(text, this.#seed)) / 2 ** 32;
  }

  #of(sorts: readonly string[], at: number): Distribution {
    const sort = sorts[at];
    if (sort === undefined) return anything;
    let found = this.#possible.get(sort);
    if (!found) {
      const seen = this.#known.sorts.get(sort) ?? nothingSeen;
      const chance = new Chance(this.#seed, hashOf(sort, 0));
      found = possible(seen, this.#of(sorts, at + 1), chance);
      this.#possible.set(sort, found);
    }
    return found;
  }
}

/** FNV-1a, of UTF-16 units. */
function hashOf(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: every bit of what comes out depends on every bit of what went in. */
function mixed(bits: number): number {
  let hash = bits | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
