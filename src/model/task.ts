import { limits } from "#/base/limits.ts";
import type { Needs } from "./needs.ts";
import { parentOf, type RecordOf } from "./record.ts";
import type { TaskUsage } from "./usage.ts";

/** The unit of work: pulled, leased, acknowledged. Its name is its step's and its index: "j0f3k2m9x1ab2/0/7". */
export type TaskRecord = RecordOf<"task", TaskSpec, TaskStatus>;

export interface TaskSpec {
  /** JSON text that only the task itself looks into; or a reference, when it was larger than the inline limit. */
  readonly input: string;
  /** The blob that holds the input when it is not inline; `input` is then "null". */
  readonly inputBlob?: string;
}

/**
 * Where a task is. That it runs is not here but in its lease, which is soft: a task whose machine
 * is lost is simply ready again. States move forward only; trying again is a new attempt.
 */
export type TaskPhase = "ready" | "waiting" | "succeeded" | "failed" | "cancelled";

export interface TaskStatus {
  readonly phase: TaskPhase;
  /** For "waiting" (a failed attempt rests before the next): when it becomes ready. */
  readonly notBefore?: number;
  /** Attempts that failed, the latest last. */
  readonly attempts?: readonly FailedAttempt[];
  /** Attempts that were lost with their machine. */
  readonly lost?: number;
  /** Attempts that were ended as another one of its gang had ended before its time. */
  readonly regrouped?: number;
  /** Ended before its time, and not charged, as another had a better claim on what it held. */
  readonly preempted?: Preempted;
  /** Leases up to this fencing number are over for good, whoever says to hold one. */
  readonly fence?: number;
  /** Second attempts that were begun while the first was under way, the latest last. */
  readonly copies?: readonly TaskCopy[];
  /** JSON text; "null" for a process. */
  readonly result?: string;
  readonly resultBlob?: string;
  /** Blobs made of declared outputs, by path. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** For a map task: where its part of the shuffle is, and the bytes of each partition. */
  readonly shuffle?: { machine: string; bytes: readonly number[] };
  readonly exitCode?: number;
  /** Who ran the attempt that ended it, and what that took. */
  readonly machine?: string;
  readonly usage?: TaskUsage;
  /** The result came from an earlier run of the same content. */
  readonly reused?: boolean;
}

/** A second attempt of a task that was slow: both are under way, and the first one to succeed counts. */
export interface TaskCopy {
  readonly fence: number;
  /** The fence of the attempt that it was begun beside. */
  readonly beside: number;
  readonly machine: string;
  readonly at: number;
  /** Its lease is over although it is above the task's fence: the first attempt outlived it. */
  readonly isOver?: boolean;
}

/** The last time that a task had to make room. */
export interface Preempted {
  readonly times: number;
  readonly at: number;
  readonly machine: string;
  /** What it had run for, and has to run again. */
  readonly ranMs: number;
  /** The step that took its place, and that one's project; its own where it may not run there any more. */
  readonly by: string;
  readonly project: string;
}

export interface FailedAttempt {
  machine: string;
  at: number;
  error: TaskError;
}

/** Why an attempt failed. */
export interface TaskError {
  reason: FailureReason;
  /** One line for people. */
  message: string;
  /** The user's own stack, when code threw. */
  stack?: string;
  exitCode?: number;
  /** For "shuffle-lost": map tasks that have to run again. */
  lostTasks?: string[];
  /** For "injected": the hit of a game day that ended it. */
  hit?: string;
}

export type FailureReason =
  | "threw"
  | "exited"
  | "signalled"
  | "timed-out"
  | "hung"
  | "out-of-memory"
  | "unserialisable"
  | "not-started"
  | "input-missing"
  | "output-missing"
  | "shuffle-lost"
  | "machine-lost"
  | "gang-failed"
  | "injected"
  | "cancelled";

/** What the tasks of a step share. */
export interface TaskTemplate {
  run: ProcessRun | FunctionRun;
  needs: Needs;
  /** An attempt is ended after this. */
  timeoutMs?: number;
  /** Failed attempts that are tried again. */
  retries: number;
  /** The wait before the first of them; it doubles. */
  retryMs: number;
  /** Files put into the task's folder before it starts. */
  inputs: FileInput[];
  /** Files taken from it when it has succeeded. */
  outputs: FileOutput[];
  /** Results of equal content (what runs, its input and its files) are reused instead of run again. */
  reuse: boolean;
  /** False for what may not be under way twice at once: it gets no second attempt beside a slow one. */
  speculate?: boolean;
}

/** Any executable. In `command`, `env` and paths, "{name}" stands for that member of the input, "{}" for all of it. */
export interface ProcessRun {
  driver: "process";
  command: string[];
  env: Record<string, string>;
  /** Gives the input, as JSON, to its standard input. */
  stdin: boolean;
}

/** A function of a user's bundled module, run by a warm runner. */
export interface FunctionRun {
  driver: "runner";
  /** The bundle, a blob named by the SHA-256 of its content. */
  module: string;
  /** The exported name. */
  function: string;
  /** A "job" waits for others most of its time: it holds no CPU, and is never tried again for failing. */
  role: "task" | "job" | "map" | "reduce";
}

export interface FileInput {
  /** Where the task finds it, relative to its folder. */
  path: string;
  /** Its content: a blob, or an output of a step before: of the task of the same index, or of its only one. */
  from: { blob: string } | { step: string; output: string };
  executable?: boolean;
}

export interface FileOutput {
  path: string;
  /** When false, a missing file fails the task ("output-missing"). */
  optional: boolean;
}

/** The status of every task that waits for its first attempt: one value, shared, as there may be a million. */
export const readyStatus: TaskStatus = Object.freeze({ phase: "ready" });

const zero = "0".charCodeAt(0);
/** Relative to "0". */
const slash = "/".charCodeAt(0) - zero;

export function taskName(step: string, index: number): string {
  return `${step}/${index}`;
}

export function stepOfTask(name: string): string {
  return parentOf(name);
}

/** Read digit by digit from the end: this is asked several times for each task. */
export function indexOfTask(name: string): number {
  let index = 0;
  let unit = 1;
  for (let at = name.length - 1; at >= 0; at--) {
    const digit = name.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return digit === slash && unit > 1 ? index : Number.NaN;
    index += digit * unit;
    unit *= 10;
  }
  return index;
}

/** The number of a task's next attempt, or of the one under way, counted from 1. */
export function attemptOf({ attempts, lost, regrouped }: TaskStatus): number {
  return 1 + (attempts?.length ?? 0) + (lost ?? 0) + (regrouped ?? 0);
}

export function jobOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}

export function hasTaskEnded(task: TaskRecord): boolean {
  return task.status.phase !== "ready" && task.status.phase !== "waiting";
}

/** Whether an input or a result, as JSON text, must travel as a blob. */
export function isTooLarge(text: string): boolean {
  // A UTF-16 unit takes one byte of UTF-8 at least, and three at most.
  if (text.length * 3 <= limits.inlineBytesMax) return false;
  return text.length > limits.inlineBytesMax || Buffer.byteLength(text) > limits.inlineBytesMax;
}
