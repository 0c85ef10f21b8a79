import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { AppendedView } from "#/model/views.ts";
import { isTooLarge, jobOf } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { JobCalls } from "../parts.ts";
import type { Feed } from "../streams/feed.ts";

interface AppendingParts {
  space: Space;
  jobs: JobCalls;
  blobs: Blobs;
  clock: Clock;
  feed: Feed;
}

/** Inputs of one call on their way into a step, batch by batch; never more than two batches ahead of the disk. */
export class Appending {
  #parts: AppendingParts;
  #project: string;
  #step: string;
  #next: number;
  #durable: Promise<void> = Promise.resolve();
  /** The step as the newest commit left it. */
  #said: AppendedView | undefined;

  constructor(parts: AppendingParts, asked: { project: string; step: string; from: number }) {
    this.#parts = parts;
    this.#project = asked.project;
    this.#step = asked.step;
    this.#next = asked.from;
  }

  async add(texts: readonly string[]): Promise<void> {
    if (texts.length === 0) return;
    const inputs = texts.some(isTooLarge)
      ? await Promise.all(texts.map((text) => this.#inputOf(text)))
      : texts.map((input) => ({ input }));
    const before = this.#durable;
    await this.#commit(inputs, false);
    this.#next += inputs.length;
    await before;
  }

  async end(close: boolean): Promise<AppendedView> {
    if (close || !this.#said) await this.#commit([], close);
    await this.#durable;
    return this.#said!;
  }

  /** Holds the caller back while too many tasks of the job wait; throws "limited" when that lasts. */
  async #commit(inputs: { input: string; inputBlob?: string }[], close: boolean): Promise<void> {
    const { space, jobs, clock } = this.#parts;
    const untilMs = clock.monotonicMs() + limits.throttleHoldMs;
    for (;;) {
      try {
        const { value, durable } = space.commit((tx) => {
          const step = tx.get("step", this.#step);
          if (!step) return undefined;
          jobs.appendTasks(tx, step, this.#next, inputs, close);
          return tx.get("step", this.#step)!.status;
        });
        const { offered, closed } = value ?? (await this.#archived(inputs.length, close));
        this.#said = { offered, closed };
        this.#durable = durable;
        return;
      } catch (thrown) {
        const leftMs = untilMs - clock.monotonicMs();
        if (!(thrown instanceof CanopyError && thrown.code === "limited") || leftMs <= 0)
          throw thrown;
        await this.#untilLess(leftMs);
      }
    }
  }

  /** A step that has ended with its job has what it took: who was not answered may offer that again. */
  async #archived(count: number, close: boolean): Promise<AppendedView> {
    const [step] = await this.#parts.space.find("step", [this.#step]);
    const status = step?.status;
    if (status && this.#next + count <= status.offered && (status.closed || !close)) return status;
    throw new CanopyError(
      "conflict",
      `Cannot append tasks as the step ${this.#step} has ended: it ${status?.phase} with ${status?.offered} tasks`,
    );
  }

  /** Until something of the job has ended or `waitMs` have passed. */
  #untilLess(waitMs: number): Promise<void> {
    const { feed, clock } = this.#parts;
    return new Promise((resolve) => {
      const done = () => {
        stop();
        timer.cancel();
        resolve();
      };
      const stop = feed.onJob(jobOf(this.#step), done);
      const timer = clock.after(waitMs, done);
    });
  }

  async #inputOf(text: string): Promise<{ input: string; inputBlob?: string }> {
    if (!isTooLarge(text)) return { input: text };
    const { key } = await this.#parts.blobs.put(this.#project, Buffer.from(text));
    return { input: "null", inputBlob: key };
  }
}
