import { CanopyError } from "#/base/errors.ts";
import type { StepView } from "#/model/views.ts";
import type { Client } from "./client.ts";
import { readJob, readStep, type Outcome } from "./results.ts";

/**
 * Results of a job's many small calls by one stream, in the order in which they finished: a thousand
 * calls at once cost one connection. Where the cloud has no such stream, each call has its own.
 */
export class JobResults {
  readonly #client: Client;
  readonly #job: string;
  readonly #feeds = new Map<number, Feed>();
  readonly #leave = new AbortController();
  #isReading = false;
  #isMissing = false;

  constructor(client: Client, job: string) {
    this.#client = client;
    this.#job = job;
  }

  /**
   * The outcomes of one step: by number, as they finish, or by number until one failed, which is then
   * told at once, as it cancels those before it.
   */
  of(step: StepView, order: FeedOrder): AsyncIterable<Outcome[]> {
    const feed = this.#feedOf(step.number);
    feed.total = step.tasks.offered;
    if (!this.#isReading) {
      this.#isReading = true;
      void this.#read();
    }
    return this.#take(feed, step.number, order);
  }

  close(): void {
    this.#leave.abort(new CanopyError("unavailable", "Cannot read more results as the job's function has ended"));
  }

  async *#take(feed: Feed, step: number, order: FeedOrder): AsyncGenerator<Outcome[]> {
    let told = 0;
    while (!this.#isMissing && told < feed.total) {
      const next = feed.next(told, order);
      if (next.length > 0) {
        yield next;
        told += next.length;
      } else if (feed.failure) throw feed.failure.thrown;
      else await feed.more();
    }
    if (told < feed.total) {
      const signal = this.#leave.signal;
      yield* readStep(this.#client, this.#job, step, { order: order === "finish" ? "finish" : "index", signal });
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const batch of readJob(this.#client, this.#job, this.#leave.signal)) {
        for (const outcome of batch) this.#feedOf(outcome.step).add(outcome);
      }
      this.#endAll(new CanopyError("conflict", `Cannot give more results as ${this.#job} has ended`));
    } catch (thrown) {
      if (!(thrown instanceof CanopyError) || thrown.code !== "not-found") return this.#endAll(thrown);
      this.#isMissing = true;
      for (const feed of this.#feeds.values()) feed.wake();
    }
  }

  #endAll(thrown: unknown): void {
    for (const feed of this.#feeds.values()) {
      feed.failure = { thrown };
      feed.wake();
    }
  }

  #feedOf(step: number): Feed {
    let feed = this.#feeds.get(step);
    if (!feed) this.#feeds.set(step, (feed = new Feed()));
    return feed;
  }
}

type FeedOrder = "index" | "finish" | "failures first";

/** What has come for one step. */
class Feed {
  readonly #byIndex: Outcome[] = [];
  readonly #asFinished: Outcome[] = [];
  /** Outcomes from the first on without a gap. */
  #inOrder = 0;
  #failed: Outcome | undefined;
  total = 0;
  failure: { thrown: unknown } | undefined;
  #wakers: (() => void)[] = [];

  add(outcome: Outcome): void {
    this.#byIndex[outcome.index] = outcome;
    this.#asFinished.push(outcome);
    while (this.#byIndex[this.#inOrder]) this.#inOrder++;
    if (outcome.error && outcome.error.reason !== "cancelled") this.#failed ??= outcome;
    this.wake();
  }

  /** What can be told after the first `told`. */
  next(told: number, order: FeedOrder): Outcome[] {
    if (order === "finish") return this.#asFinished.slice(told);
    if (order === "failures first" && this.#failed) return [this.#failed];
    return this.#byIndex.slice(told, this.#inOrder);
  }

  more(): Promise<void> {
    return new Promise((resolve) => void this.#wakers.push(resolve));
  }

  wake(): void {
    for (const waker of this.#wakers.splice(0)) waker();
  }
}
