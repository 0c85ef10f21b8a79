import type { StepView } from "#/model/views.ts";
import type { Client, NewStep } from "./client.ts";

/**
 * Adds steps to a job, one after the other, in the order in which they are wanted. A number is given
 * when its step is sent, so that one that was refused leaves no gap.
 */
export class StepMaker {
  readonly #client: Client;
  readonly #job: string;
  #next: number;
  #last: Promise<unknown> = Promise.resolve();

  /** `next`: the number of the next new step. */
  constructor(client: Client, job: string, next: number) {
    this.#client = client;
    this.#job = job;
    this.#next = next;
  }

  /** Makes one or more steps, whose numbers follow each other. */
  make(build: (number: number) => NewStep[]): Promise<StepView[]> {
    const made = this.#last.then(() => this.#send(build));
    this.#last = made.catch(() => {});
    return made;
  }

  async #send(build: (number: number) => NewStep[]): Promise<StepView[]> {
    const made: StepView[] = [];
    for (const step of build(this.#next)) {
      made.push(await this.#client.addStep(this.#job, step));
      this.#next++;
    }
    return made;
  }
}
