import { parentOf } from "#/model/record.ts";
import { jobOf, type TaskRecord } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { Failure } from "./advance.ts";

/** The first failed task of each step that has one: seen as it fails, or looked up in the archive after a restart. */
export class Failures {
  #space: Space;
  #ofStep = new Map<string, Failure>();

  constructor(space: Space) {
    this.#space = space;
  }

  /** Takes note of a task that has failed for good. */
  note(task: TaskRecord): void {
    const step = parentOf(task.name);
    if (!this.#ofStep.has(step)) this.#ofStep.set(step, failureOf(task));
  }

  get(step: string): Failure | undefined {
    return this.#ofStep.get(step);
  }

  async lookUp(step: string): Promise<void> {
    const [task] = await this.#space.archived("task", {
      prefix: `${step}/`,
      phase: "failed",
      limit: 1,
    });
    if (task) this.note(task);
    else this.#ofStep.set(step, { reason: "a task failed", exitCode: 1 });
  }

  /** Forgets what it knows of a job's steps. */
  forget(job: string): void {
    for (const step of this.#ofStep.keys()) if (jobOf(step) === job) this.#ofStep.delete(step);
  }
}

function failureOf({ name, status }: TaskRecord): Failure {
  const error = status.attempts?.at(-1)?.error;
  return {
    reason: `task ${name}: ${error?.message ?? "failed"}`,
    exitCode: error?.exitCode || status.exitCode || 1,
  };
}
