import type { Mark, Told } from "./marks.ts";

/** A record as the workload told of it: live or archived, with a text. */
export interface Kept {
  kind: string;
  isLive: boolean;
  text: string;
}

/**
 * What must be on disk, from nothing but what the workload said. Any number of commits from `kept` to
 * `begun` may be there, but of each all or nothing, and no later one without an earlier one.
 */
export class Expected {
  /** The newest commit that was told to be kept, and the newest begun. */
  kept = 0;
  begun = 0;
  /** The highest epoch under which anything was told; a new start must be above it. */
  epoch = 0;
  readonly files = new Map<string, { holds: string } | { digest: string }>();
  #told: Told[][] = [];
  #folded = { count: 0, records: new Map<string, Kept>() };

  hear(mark: Mark): void {
    if ("life" in mark) {
      // What a life finds, it has made durable by opening; later commits of an earlier life are gone.
      this.#mustFollow(mark);
      this.kept = mark.count;
      this.begun = mark.count;
      this.epoch = mark.epoch;
      if (this.#folded.count > mark.count) this.#folded = { count: 0, records: new Map() };
    } else if ("begun" in mark) {
      this.#told[mark.begun] = mark.told;
      this.begun = mark.begun;
    } else if (typeof mark.kept === "number") this.kept = Math.max(this.kept, mark.kept);
    else this.files.set(mark.kept, mark as { holds: string } | { digest: string });
  }

  /** A start on the real disk, after a kill -9, must find what any other start must. */
  #mustFollow({ life, count, epoch }: Extract<Mark, { life: unknown }>): void {
    if (count >= this.kept && count <= this.begun && epoch > this.epoch) return;
    throw new Error(
      `life ${life} found ${count} commits in epoch ${epoch}: ${this.kept} to ${this.begun} were told, in epoch ${this.epoch}`,
    );
  }

  /** All records, by name, after the first `count` commits. */
  after(count: number): ReadonlyMap<string, Kept> {
    if (this.#folded.count > count) this.#folded = { count: 0, records: new Map() };
    const { records } = this.#folded;
    for (let number = this.#folded.count + 1; number <= count; number++) {
      for (const [op, kind, name, text] of this.#told[number]!) {
        if (op === "delete") records.delete(name);
        else records.set(name, { kind, isLive: op === "put", text });
      }
    }
    this.#folded.count = count;
    return records;
  }
}
