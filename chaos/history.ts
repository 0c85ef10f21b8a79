import { closeSync, openSync, writeSync } from "node:fs";
import { Over } from "./door.ts";
import type { RecordHistory } from "./record-history.ts";

/** A step that was acknowledged, and what must come of it. */
export interface AckedStep {
  seed: number;
  /** Tasks that it was acknowledged to have: by the submission, or so far by appends. */
  offered: number;
  /** Tasks of a program leave a file instead of a result. */
  gives: "value" | "file";
  /** Where its tasks write down that they ran. */
  effects?: string;
}

export interface AckedJob {
  id: string;
  steps: AckedStep[];
  /** Of a job that would not end by itself: whether its cancellation was asked for, or acknowledged. */
  cancel?: "due" | "asked" | "done";
  /** False while more may be appended. */
  isClosed: boolean;
  /** What a reader was told when it had ended. */
  ended?: { phase: string; results: Map<number, string> };
}

/**
 * What the cloud has acknowledged, as its clients know it: in memory, and line by line in a file, so
 * that a failed run can be looked into.
 */
export class History {
  readonly jobs = new Map<string, AckedJob>();
  /** Blobs by key: the SHA-256 of the bytes is the key, by contract. */
  readonly blobs = new Map<string, number>();
  /** Keys by name, and whether they were removed. */
  readonly keys = new Map<string, { secret: string; state: "made" | "removing" | "removed" }>();
  /** Of each project that was made to be changed by many at once, by its name. */
  readonly records = new Map<string, RecordHistory>();
  /** What was seen that must not be. */
  readonly violations: string[] = [];
  /** Writes that the cloud has acknowledged: submissions, appended tasks, cancellations, blobs, keys, changes of records. */
  acknowledged = 0;
  #file: number;

  constructor(file: string) {
    this.#file = openSync(file, "a");
  }

  /** Writes down what was acknowledged; `writes` of it are counted. */
  tell(what: string, detail: object, writes = 1): void {
    this.acknowledged += writes;
    writeSync(this.#file, `${JSON.stringify({ at: Date.now(), what, ...detail })}\n`);
  }

  violate(sentence: string): void {
    this.violations.push(sentence);
    writeSync(this.#file, `${JSON.stringify({ at: Date.now(), violation: sentence })}\n`);
  }

  /** What somebody's work threw is a violation, but that the run was over. */
  blame(thrown: unknown): void {
    if (!(thrown instanceof Over)) this.violate(String((thrown as Error).stack ?? thrown));
  }

  get openJobs(): number {
    let count = 0;
    for (const { ended } of this.jobs.values()) if (!ended) count += 1;
    return count;
  }

  close(): void {
    closeSync(this.#file);
  }
}
