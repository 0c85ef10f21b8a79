import type { Objective } from "./plan.ts";
import type { RecordOf } from "./record.ts";
import type { Offer } from "./site.ts";

/** What a user submits: steps, and through them tasks. Its name is an id such as "j0f3k2m9x1ab2". */
export type JobRecord = RecordOf<"job", JobSpec, JobStatus>;

export interface JobSpec {
  /** What people call it; need not be unique. */
  title: string;
  /** The name of the key that submitted it. */
  submittedBy: string;
  /** Wall clock, milliseconds since 1970 UTC, as all instants in records. */
  submittedAt: number;
  /** -100 to 100; a higher one goes first within its project. */
  priority: number;
  /** Whether a task that has failed for good ends the whole job, or only the steps that stand on it. */
  onFailure: "stop" | "continue";
  /** Set for a job written as a function: the step whose one task runs it, and whose result is the job's. */
  mainStep?: string;
  /** What it is to keep. */
  goal?: JobGoal;
}

/** A deadline and a budget that Canopy keeps by buying and releasing machines. */
export interface JobGoal {
  /** The plan by which it was promised; "" where its project's policy has it so, or who tried it again. */
  readonly plan: string;
  readonly deadlineAt?: number;
  /** Millionths of the currency, for all that it uses. */
  readonly budgetMicros?: number;
  readonly objective: Objective;
  /** Steps by name, in the order in which its plan means to begin them. */
  readonly order?: readonly string[];
}

export interface JobHold {
  readonly since: number;
  /** Wall clock at which it is to be let go, as far as is known now. */
  readonly until: number;
  /** How much less CO2 that emits than going on at once, by the forecast: 0.31 is 31 %. */
  readonly savingShare: number;
  /** What its machines need for all that is left, as much as it may well be. */
  readonly workMs: number;
  /** Why it waits, and the smallest change that would have let it go on. */
  readonly why: readonly string[];
  readonly flip: string;
  /** What is bought when it is let go, by its plan. */
  readonly buys?: readonly { readonly offer: Offer; readonly count: number }[];
}

export type JobPhase = "running" | "succeeded" | "failed" | "cancelled";

export interface JobStatus {
  phase: JobPhase;
  /** While open, steps may be added; a job ends only when it is closed and all its steps have ended. */
  open: boolean;
  /** Steps made so far; the next one is named after this number. */
  steps: number;
  endedAt?: number;
  /** While nothing of it is handed out as it waits for cleaner power; what is under way goes on. */
  held?: JobHold;
  /** Why it failed or was cancelled, for people. */
  reason?: string;
  /** What machines have cost that were bought for it and are given back; without `micros` nobody knows. */
  bought?: { readonly micros?: number };
  /** What attempts had cost that ended with their step or their job, as no report tells it; without `micros` nobody knows. */
  cut?: { readonly micros?: number };
  /** What `canopy run` exits with. */
  exitCode?: number;
}

/** Whether what it takes was planned and approved, so that its machines are its own and not its project's fleet's. */
export function isPlanned({ spec }: Pick<JobRecord, "spec">): boolean {
  return spec.goal !== undefined && spec.goal.plan !== "";
}

export function hasJobEnded(job: JobRecord): boolean {
  return job.status.phase !== "running";
}
