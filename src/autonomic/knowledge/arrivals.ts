import { gridSize } from "#/model/grid.ts";
import type { JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";

/** Jobs that are remembered: the last ones, and of those only such with so few steps. */
const kept = 200;
const stepsMax = 50;

/** A job that was submitted, as far as it says what those to come may be like. */
export interface Arrival {
  /** Wall clock. */
  readonly at: number;
  readonly project: string;
  readonly spec: JobRecord["spec"];
  readonly steps: readonly ArrivedStep[];
}

/** A step of it: its specification, in which names are those of its own job, and the tasks that it was to have. */
export interface ArrivedStep {
  readonly name: string;
  readonly spec: StepRecord["spec"];
  readonly tasks: number;
}

/** What was submitted lately: a fold over jobs. */
export class Arrivals {
  #last: Arrival[] = [];

  /** The jobs that came last, in the order they did. */
  get last(): readonly Arrival[] {
    return this.#last;
  }

  /** A job was submitted. One of which nobody knew how much it would be is not remembered. */
  saw({ project, spec, status }: JobRecord, steps: readonly StepRecord[]): void {
    if (status.open || steps.length === 0 || steps.length > stepsMax) return;
    const arrived: ArrivedStep[] = [];
    for (const step of steps) {
      const tasks = tasksOf(step);
      if (tasks === undefined) return;
      arrived.push({ name: step.name, spec: bare(step.spec), tasks });
    }
    this.#last.push({ at: spec.submittedAt, project, spec, steps: arrived });
    if (this.#last.length > kept) this.#last.shift();
  }

  /** Puts jobs from before this start before those that came since. */
  recall(earlier: readonly Arrival[]): void {
    this.#last = [...earlier, ...this.#last].slice(-kept);
  }
}

/**
 * A step that needs the same machines for tasks that read and write nothing: where no task is really run
 * there are no outputs to hand on and no parts of a shuffle, and no results of earlier runs to use again.
 */
export function bare({ shuffle: _shuffle, ...spec }: StepRecord["spec"]): StepRecord["spec"] {
  const template = { ...spec.template, inputs: [], outputs: [], reuse: false };
  return { ...spec, template, source: { type: "list" } };
}

function tasksOf({ spec: { source }, status }: StepRecord): number | undefined {
  if (status.closed) return status.offered;
  if (source.type === "inputs") return source.inputs.length;
  if (source.type === "grid") return gridSize(source.parameters);
  return status.total;
}
