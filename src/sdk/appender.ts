import { limits } from "#/base/limits.ts";
import type { Client } from "./client.ts";

/** Bytes of inputs, about, from which a batch is sent without waiting for more. */
const batchLengthMax = limits.bodyBytesMax / 8;

/**
 * Appends tasks to one step, in order, in batches: the first goes at once, and what comes while one is
 * on its way goes together with the next. So a slow source is not held up, and a fast one pays one
 * call for thousands of tasks.
 */
export class Appender {
  readonly #client: Client;
  readonly #job: string;
  readonly #step: number | string;
  /** The number of the first task that has not been sent. */
  #from: number;
  #waiting: string[] = [];
  #waitingLength = 0;
  #sending: Promise<void> | undefined;
  #failure: { thrown: unknown } | undefined;
  /** Set when no more will be pushed: the next batch is the last. */
  #closing = false;
  #isClosed = false;

  /** `from`: how many tasks the step has already. */
  constructor(client: Client, job: string, step: number | string, from = 0) {
    this.#client = client;
    this.#job = job;
    this.#step = step;
    this.#from = from;
  }

  /**
   * Adds a task by its input, as JSON text. Where a promise is given back, wait for it before adding
   * more: the cloud is behind. Throws what an earlier batch failed with.
   */
  push(input: string): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.thrown;
    this.#waiting.push(input);
    this.#waitingLength += input.length;
    this.#sending ??= Promise.resolve().then(() => this.#sendWaiting());
    return this.#isFull() ? this.#sending : undefined;
  }

  /** Sends what is left and says that no more will come. Resolves when the cloud has all of it; gives the number of tasks. */
  async close(): Promise<number> {
    this.#closing = true;
    while (this.#sending) await this.#sending;
    if (!this.#failure && !this.#isClosed) await this.#sendWaiting();
    if (this.#failure) throw (this.#failure as { thrown: unknown }).thrown;
    return this.#from;
  }

  #isFull(): boolean {
    return this.#waiting.length >= limits.appendTasksMax || this.#waitingLength >= batchLengthMax;
  }

  async #sendWaiting(): Promise<void> {
    const close = this.#closing;
    try {
      await this.#send(this.#take(), close);
      this.#isClosed = close;
    } catch (thrown) {
      this.#failure = { thrown };
    }
    this.#sending = this.#waiting.length > 0 && !this.#failure ? this.#sendWaiting() : undefined;
  }

  #take(): string[] {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingLength = 0;
    return batch;
  }

  async #send(batch: string[], close: boolean): Promise<void> {
    const from = this.#from;
    this.#from += batch.length;
    await this.#client.appendTasks(this.#job, this.#step, from, batch, close);
  }
}

/** Appends all of `inputs` and closes the step; skips the first `from`, which it has. Gives how many there were. */
export async function appendAll(
  client: Client,
  job: string,
  step: number | string,
  inputs: Iterable<string> | AsyncIterable<string>,
  from = 0,
): Promise<number> {
  const appender = new Appender(client, job, step, from);
  let left = from;
  const add = (input: string) => (left > 0 ? void left-- : appender.push(input));
  if (Symbol.iterator in inputs) {
    for (const input of inputs) {
      const behind = add(input);
      if (behind) await behind;
    }
  } else {
    for await (const input of inputs) {
      const behind = add(input);
      if (behind) await behind;
    }
  }
  const count = await appender.close();
  return count - left;
}
