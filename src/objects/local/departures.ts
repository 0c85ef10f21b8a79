import { noSuchBucket } from "../buckets.ts";

/**
 * Buckets that are left: what is being written into one at that moment is waited for, and nothing is written after it. Ids of buckets
 * are never used twice, so that one that is gone stays left.
 */
export class Departures {
  #left = new Set<string>();
  #busy = new Map<string, { count: number; idle?: PromiseWithResolvers<void> }>();

  /** Throws AwsError "NoSuchBucket" for a bucket that is left. */
  async during<T>(bucket: string, work: () => Promise<T>): Promise<T> {
    this.check(bucket);
    let busy = this.#busy.get(bucket);
    if (!busy) this.#busy.set(bucket, (busy = { count: 0 }));
    busy.count++;
    try {
      return await work();
    } finally {
      if (--busy.count === 0) {
        this.#busy.delete(bucket);
        busy.idle?.resolve();
      }
    }
  }

  check(bucket: string): void {
    if (this.#left.has(bucket)) throw noSuchBucket(bucket);
  }

  /** Resolves when nothing is being written into the bucket any more. */
  async leave(bucket: string): Promise<void> {
    this.#left.add(bucket);
    const busy = this.#busy.get(bucket);
    if (busy) await (busy.idle ??= Promise.withResolvers<void>()).promise;
  }

  /** It is not left after all. */
  stay(bucket: string): void {
    this.#left.delete(bucket);
  }
}
