import type { JobRecord, JobSpec } from "#/model/job.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import type { TaskTemplate } from "#/model/task.ts";
import type { Transaction } from "#/space/space.ts";

/**
 * Finds a job's steps by what the job calls them. A commit can only get records by their full name,
 * and a job that grows to 100,000 steps must not be read through for each one that is added. So what
 * was read is kept beside the job's spec, which stays the same object from revision to revision, and
 * is dropped with it.
 *
 * A transaction that throws may leave names here that never came to be. Each use therefore begins by
 * checking the newest entry against the space: steps are only ever added at the end, so when the
 * newest one is true, all before it are.
 */
export class StepNames {
  static #ofJob = new WeakMap<JobSpec, StepNames>();
  #numbers = new Map<string, number>();
  #seen: { name: string; template: TaskTemplate }[] = [];
  /** Steps that take tasks by calls, until they are seen to have ended. */
  #lists = new Set<string>();

  static of(tx: Transaction, job: JobRecord): StepNames {
    let names = StepNames.#ofJob.get(job.spec);
    if (!names) StepNames.#ofJob.set(job.spec, (names = new StepNames()));
    names.#readOn(tx, job);
    return names;
  }

  /** The step that the job calls `name`. */
  get(tx: Transaction, job: JobRecord, name: string): StepRecord | undefined {
    const number = this.#numbers.get(name);
    return number === undefined ? undefined : tx.get("step", stepName(job.name, number));
  }

  all(): string[] {
    return [...this.#numbers.keys()];
  }

  /** Tasks of the job's open lists that have not ended. */
  waitingTasks(tx: Transaction): number {
    let waiting = 0;
    for (const name of this.#lists) {
      const step = tx.get("step", name);
      if (step && !hasStepEnded(step)) waiting += unfinishedTasks(step);
      else this.#lists.delete(name);
    }
    return waiting;
  }

  #readOn(tx: Transaction, job: JobRecord): void {
    while (this.#seen.length > 0 && !this.#isNewestTrue(tx, job)) {
      this.#numbers.delete(this.#seen.pop()!.name);
    }
    while (this.#seen.length < job.status.steps) {
      const step = tx.get("step", stepName(job.name, this.#seen.length));
      if (!step) return;
      this.#numbers.set(step.spec.name, this.#seen.length);
      this.#seen.push({ name: step.spec.name, template: step.spec.template });
      if (step.spec.source.type === "list") this.#lists.add(step.name);
    }
  }

  #isNewestTrue(tx: Transaction, job: JobRecord): boolean {
    const number = this.#seen.length - 1;
    if (number >= job.status.steps) return false;
    return (
      tx.get("step", stepName(job.name, number))?.spec.template === this.#seen[number]!.template
    );
  }
}

export function stepName(job: string, number: number): string {
  return `${job}/${number}`;
}
