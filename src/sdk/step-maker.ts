import { CanopyError } from "#/base/errors.ts";
import type { StepView } from "#/model/views.ts";
import type { Client, NewStep } from "./client.ts";

/** Steps that one call adds. */
const stepsMax = 1000;

interface Wanted {
  build: (number: number) => NewStep[];
  resolve: (steps: StepView[]) => void;
  reject: (thrown: unknown) => void;
}

/**
 * Adds steps to a job, one call at a time: what is wanted while one call is on its way goes together
 * with the next. Numbers are given when steps are sent, in the order in which they were wanted.
 */
export class StepMaker {
  readonly #client: Client;
  readonly #job: string;
  #next: number;
  #wanted: Wanted[] = [];
  #isSending = false;

  /** `next`: the number of the next new step. */
  constructor(client: Client, job: string, next: number) {
    this.#client = client;
    this.#job = job;
    this.#next = next;
  }

  /** Makes one or more steps, whose numbers follow each other, or none of them. */
  make(build: (number: number) => NewStep[]): Promise<StepView[]> {
    return new Promise((resolve, reject) => {
      this.#wanted.push({ build, resolve, reject });
      if (!this.#isSending) {
        this.#isSending = true;
        queueMicrotask(() => void this.#send());
      }
    });
  }

  async #send(): Promise<void> {
    while (this.#wanted.length > 0) {
      const batch = this.#wanted.splice(0, stepsMax / 2);
      try {
        await this.#sendTogether(batch);
      } catch (thrown) {
        if (batch.length === 1) batch[0]!.reject(thrown);
        // One of them was refused, and so all: each on its own shows which.
        else for (const wanted of batch) await this.#sendTogether([wanted]).catch(wanted.reject);
      }
    }
    this.#isSending = false;
  }

  async #sendTogether(batch: Wanted[]): Promise<void> {
    let next = this.#next;
    const groups: NewStep[][] = [];
    for (const { build } of batch) {
      const group = build(next);
      next += group.length;
      groups.push(group);
    }
    const steps = groups.flat();
    const made = steps.length === 1 ? [await this.#client.addStep(this.#job, steps[0]!)] : await this.#client.addSteps(this.#job, steps);
    if (made.length !== steps.length) {
      throw new CanopyError("internal", `Cannot go on as ${steps.length} steps were asked for and ${made.length} were made`);
    }
    this.#next = next;
    let from = 0;
    batch.forEach(({ resolve }, index) => {
      const { length } = groups[index]!;
      resolve(made.slice(from, from + length));
      from += length;
    });
  }
}
