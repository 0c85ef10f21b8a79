import type { JobRecord } from "#/model/job.ts";
import type { Capacity } from "#/model/needs.ts";
import type { StepRecord } from "#/model/step.ts";

/** When a job will have ended, counted from now: nine times in ten between low and high. */
export interface Eta {
  lowMs: number;
  likelyMs: number;
  highMs: number;
  /** More steps may still be added: it holds for those known now. */
  partial: boolean;
}

/** A task that runs now, and for how long it has. */
export interface RunningNow {
  task: string;
  ranMs: number;
}

/** Undefined while nothing is known that it could be drawn from. `capacity` is what the job may use of all machines. */
export declare function eta(
  job: JobRecord,
  steps: Iterable<StepRecord>,
  running: readonly RunningNow[],
  capacity: Capacity,
): Eta | undefined;
