import type { RecordOf } from "./record.ts";
import type { TaskTemplate } from "./task.ts";
import { noUsage, type Usage } from "./usage.ts";

/** Tasks of one kind within a job: "j0f3k2m9x1ab2/0". They share a template and differ by their input. */
export type StepRecord = RecordOf<"step", StepSpec, StepStatus>;

export interface StepSpec {
  /** What its job calls it; unique within the job. */
  name: string;
  /** The kind of task as people see it: "square", "sort", "blastall". Steps of one title are shown together. */
  title: string;
  /** Steps of the same job, by full name, that must have succeeded before this one begins. */
  after: string[];
  template: TaskTemplate;
  source: Source;
  /** Map-reduce: what this step's tasks give to, or take from, the shuffle. */
  shuffle?: { role: "map"; partitions: number } | { role: "reduce"; from: string };
  gang?: GangSpec;
  /** "continue" where the user takes errors as values; else a task that fails for good fails its step. */
  onFailure: "stop" | "continue";
  /** Set by a durable job: a digest of what was asked for, so that a replay that asks otherwise is noticed. */
  fingerprint?: string;
  /** A value that a durable job recorded (the time, a random number), as JSON text. The step has no tasks and is made already succeeded. */
  recorded?: string;
}

/** Tasks that run all at once or not at all, and know each other. Without `minimum` all of the step's tasks; else at least so many, and the others join as they fit. */
export interface GangSpec {
  minimum?: number;
}

/** Where a step's tasks come from. All but "list" are unfolded a batch at a time, as workers keep up. */
export type Source =
  /** Appended by calls until closed. */
  | { type: "list" }
  /** One task per line of a blob; the input is the line as a JSON string. */
  | { type: "lines"; blob: string }
  /** One task per combination, the last parameter turning fastest; the input is an object of them. */
  | { type: "grid"; parameters: Record<string, GridValues> }
  /** Inputs known from the start, as JSON text. */
  | { type: "inputs"; inputs: string[] };

/** Values of one parameter: listed, or a range with both ends included. */
export type GridValues = (string | number | boolean)[] | { from: number; to: number; by?: number };

export type StepPhase = "blocked" | "running" | "succeeded" | "failed" | "cancelled";

export interface StepStatus {
  phase: StepPhase;
  /** Tasks made so far, numbered from 0. */
  offered: number;
  /** True when no more tasks will be made; `offered` is then the total. */
  closed: boolean;
  /** Known total of a lazy source, before it is closed. */
  total?: number;
  /** Bytes of a "lines" source that have been unfolded. */
  cursor: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  /** Of those that succeeded, how many had their result from an earlier run of the same content. */
  reused: number;
  /** Failed attempts that were tried again, and attempts lost with their machine. */
  retried: number;
  lost: number;
  usage: Usage;
  /** Run times of finished tasks: counts per power of two of milliseconds (index 0: under 1 ms, 1: under 2 ms, …). */
  runTimes: number[];
  startedAt?: number;
  endedAt?: number;
  reason?: string;
  /** Its tasks fail in masses: they are handed out one by one, with so much time between. */
  slowed?: Slowed;
}

export interface Slowed {
  readonly since: number;
  readonly everyMs: number;
  /** What was seen, for people. */
  readonly reason: string;
}

/** Of a step that has just been asked for. */
export const newStepStatus: StepStatus = Object.freeze({
  phase: "blocked",
  offered: 0,
  closed: false,
  cursor: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  reused: 0,
  retried: 0,
  lost: 0,
  usage: noUsage,
  runTimes: [],
});

export function hasStepEnded(step: StepRecord): boolean {
  return step.status.phase !== "running" && step.status.phase !== "blocked";
}

/** Tasks of a step that have not ended. */
export function unfinishedTasks({ status }: StepRecord): number {
  return status.offered - status.succeeded - status.failed - status.cancelled;
}

/** For who has its tasks, or their offers: they carry the inputs themselves. */
export function withoutInputs(spec: StepSpec): StepSpec {
  if (spec.source.type !== "inputs" || spec.source.inputs.length === 0) return spec;
  return { ...spec, source: { type: "inputs", inputs: [] } };
}
