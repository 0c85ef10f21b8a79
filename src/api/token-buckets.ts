import type { Clock } from "#/base/clock.ts";

/** So many are left, as it was at that moment. */
interface Bucket {
  left: number;
  atMs: number;
  /** When it was last told that there were none left. */
  saidMs: number;
  /** Was used up, and has not been half full since. */
  isStrained: boolean;
}

export interface TokenBucketsParts {
  clock: Pick<Clock, "monotonicMs">;
  /** What a full one holds, and how long it takes until one more is in it. */
  max: number;
  everyMs: number;
  /** Those used last are remembered. */
  sourcesMax: number;
  /** Told of a name whose bucket is used up, and not again for `saidMs`. */
  saidMs: number;
  onEmpty: (name: string) => void;
}

/** Token buckets by name, on the monotonic clock. */
export class TokenBuckets {
  #parts: TokenBucketsParts;
  /** The oldest first. */
  #buckets = new Map<string, Bucket>();

  constructor(parts: TokenBucketsParts) {
    this.#parts = parts;
  }

  /** Takes one; gives how long it takes until there is one, 0 when there was. */
  take(name: string): number {
    const { clock, max, everyMs, sourcesMax, saidMs, onEmpty } = this.#parts;
    const nowMs = clock.monotonicMs();
    const bucket = this.#buckets.get(name) ?? this.#full();
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > sourcesMax) this.#buckets.delete(this.#buckets.keys().next().value!);
    bucket.left = Math.min(max, bucket.left + (nowMs - bucket.atMs) / everyMs);
    bucket.atMs = nowMs;
    if (bucket.left >= max / 2) bucket.isStrained = false;
    if (bucket.left >= 1) {
      bucket.left--;
      return 0;
    }
    bucket.isStrained = true;
    if (nowMs - bucket.saidMs >= saidMs) {
      bucket.saidMs = nowMs;
      onEmpty(name);
    }
    return Math.ceil((1 - bucket.left) * everyMs);
  }

  /** Whether it was used up, and has not filled again to the half since. */
  isStrained(name: string): boolean {
    const bucket = this.#buckets.get(name);
    if (!bucket?.isStrained) return false;
    const { clock, max, everyMs } = this.#parts;
    return bucket.left + (clock.monotonicMs() - bucket.atMs) / everyMs < max / 2;
  }

  #full(): Bucket {
    const { clock, max } = this.#parts;
    return { left: max, atMs: clock.monotonicMs(), saidMs: -Infinity, isStrained: false };
  }
}
