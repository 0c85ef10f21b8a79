import { jobOf } from "#/model/task.ts";
import { parentOf, type Change } from "#/model/record.ts";
import type { Batch } from "#/space/log.ts";
import type { Space } from "#/space/space.ts";

/**
 * Durable changes, handed to those who watch a step, a job, or everything. Each batch is walked once,
 * however many watch, and not at all when nobody does.
 */
export class Feed {
  #steps = new Map<string, Set<(changes: Change[]) => void>>();
  #jobs = new Map<string, Set<() => void>>();
  #all = new Set<(batch: Batch) => void>();
  #stop: () => void;

  constructor(space: Space) {
    this.#stop = space.onDurable((batch) => this.#hand(batch));
  }

  /** Changes of a step and of its tasks, batch by batch. */
  onStep(step: string, listener: (changes: Change[]) => void): () => void {
    return watch(this.#steps, step, listener);
  }

  /** That something of a job has changed. */
  onJob(job: string, listener: () => void): () => void {
    return watch(this.#jobs, job, listener);
  }

  onBatch(listener: (batch: Batch) => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  close(): void {
    this.#stop();
  }

  #hand(batch: Batch): void {
    for (const listener of this.#all) listener(batch);
    if (this.#steps.size > 0) this.#handSteps(batch.changes);
    if (this.#jobs.size > 0) this.#handJobs(batch.changes);
  }

  #handSteps(changes: readonly Change[]): void {
    const touched = new Map<string, Change[]>();
    let last = "";
    let list: Change[] | undefined;
    for (const change of changes) {
      const { kind, name } = change.record;
      if (kind !== "task" && kind !== "step") continue;
      // Tasks come in runs of one step.
      const isSame =
        kind === "task" && name.lastIndexOf("/") === last.length && name.startsWith(last);
      if (!isSame) {
        last = kind === "step" ? name : parentOf(name);
        list = this.#listFor(last, touched);
      }
      list?.push(change);
    }
    for (const [step, list] of touched)
      for (const listener of this.#steps.get(step) ?? []) listener(list);
  }

  /** Undefined when nobody watches that step. */
  #listFor(step: string, touched: Map<string, Change[]>): Change[] | undefined {
    if (!this.#steps.has(step)) return undefined;
    let list = touched.get(step);
    if (!list) touched.set(step, (list = []));
    return list;
  }

  #handJobs(changes: readonly Change[]): void {
    const touched = new Set<string>();
    for (const { record } of changes) {
      if (record.kind === "task" || record.kind === "step" || record.kind === "job")
        touched.add(jobOf(record.name));
    }
    for (const job of touched) for (const listener of this.#jobs.get(job) ?? []) listener();
  }
}

function watch<T>(watched: Map<string, Set<T>>, name: string, listener: T): () => void {
  let listeners = watched.get(name);
  if (!listeners) watched.set(name, (listeners = new Set()));
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && watched.get(name) === listeners) watched.delete(name);
  };
}
