import { limits } from "#/base/limits.ts";
import { hasJobEnded, type JobRecord, type JobStatus } from "#/model/job.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";
import type { Transaction } from "#/space/space.ts";
import { endJob, endStep } from "./end.ts";
import { growStep } from "./grow.ts";
import type { JobIndex } from "./job-index.ts";
import { isFunctionJob } from "./reopen.ts";
import type { Unfolded } from "./sources.ts";

/** Why a step fails, and what `canopy run` exits with for it. */
export interface Failure {
  reason: string;
  exitCode: number;
}

/**
 * What deciding about a step needs beside its record. What is undefined is not known yet: the step is
 * looked at again when it is.
 */
export interface Surroundings {
  index: JobIndex;
  now: number;
  /** Tasks that have to come back from the archive before the step may begin; asks for them when there are some. */
  missing(step: StepRecord): number;
  unfold(step: StepRecord, max: number): Unfolded | undefined;
  /** So many of its tasks may be under way at once. */
  places(step: StepRecord): number;
  failure(step: StepRecord): Failure | undefined;
  /** Something outside its tasks that makes the step impossible. */
  fault(step: StepRecord): Failure | undefined;
  cut: CutBy;
}

/** What the attempts have cost that are under way in a job, or in one step of it, for the job's record as they end now; nothing where none is. */
export type CutBy = (job: JobRecord, now: number, step?: string) => Pick<JobStatus, "cut">;

/** Looks at a step and does the one next thing that is due, if any. Idempotent. */
export function advanceStep(tx: Transaction, name: string, around: Surroundings): void {
  const step = tx.get("step", name);
  const job = step && tx.get("job", jobOf(name));
  if (!job || hasJobEnded(job) || hasStepEnded(step)) return;
  const { index, now } = around;
  const broken = index.brokenBefore(step);
  const fault = around.fault(step);
  if (broken !== undefined) {
    const before = tx.get("step", broken)?.spec.name ?? broken;
    endStep(tx, step, {
      phase: "cancelled",
      now,
      reason: `'${before}', which it comes after, did not succeed`,
    });
  } else if (fault) {
    failStep(tx, job, step, fault, around);
  } else if (step.status.phase === "blocked") {
    if (index.isFree(name) && around.missing(step) === 0) beginStep(tx, step, around);
  } else {
    continueStep(tx, job, step, around);
  }
}

function beginStep(tx: Transaction, step: StepRecord, around: Surroundings): void {
  const { status } = step;
  const startedAt = status.startedAt ?? around.now;
  const running: StepRecord = { ...step, status: { ...status, phase: "running", startedAt } };
  if (!unfoldMore(tx, running, around)) tx.put(running);
}

function continueStep(
  tx: Transaction,
  job: JobRecord,
  step: StepRecord,
  around: Surroundings,
): void {
  const { status, spec } = step;
  const isDone = status.closed && unfinishedTasks(step) === 0;
  const isFailing = status.failed > 0 && spec.onFailure === "stop";
  if (isFailing && (isDone || job.spec.onFailure === "stop")) {
    const failure = around.failure(step);
    if (failure) failStep(tx, job, step, failure, around);
  } else if (isDone) {
    endStep(tx, step, { phase: "succeeded", now: around.now });
    if (step.name === job.spec.mainStep && isFunctionJob(step))
      closeAfterMain(tx, job, around.index);
  } else if (!status.closed) {
    unfoldMore(tx, step, around);
  }
}

/** Makes tasks of a lazy source, while few enough of them wait and enough are due to be worth a change. What is under way is not known here: it is at most what there are places for. */
function unfoldMore(tx: Transaction, step: StepRecord, around: Surroundings): boolean {
  if (step.status.closed || step.spec.source.type === "list") return false;
  const tasksMax = limits.stepUnfoldedTasksMax + around.places(step);
  const room = Math.min(tasksMax, limits.jobWaitingTasksMax) - unfinishedTasks(step);
  if (room < limits.unfoldBatchMax) return false;
  const more = around.unfold(step, limits.unfoldBatchMax);
  if (!more) return false;
  growStep(tx, step, more);
  return true;
}

function failStep(
  tx: Transaction,
  job: JobRecord,
  step: StepRecord,
  failure: Failure,
  { index, now, cut }: Surroundings,
): void {
  endStep(tx, step, { phase: "failed", now, reason: failure.reason });
  const main = job.spec.mainStep === undefined ? undefined : tx.get("step", job.spec.mainStep);
  const endsJob = isFunctionJob(main) ? step.name === main!.name : job.spec.onFailure === "stop";
  const spent = cut(job, now, endsJob ? undefined : step.name);
  const known = spent.cut ? tx.put<"job">({ ...job, status: { ...job.status, ...spent } }) : job;
  if (!endsJob) return;
  const because = `'${step.spec.name}' failed`;
  for (const name of index.unendedSteps()) {
    const other = tx.get("step", name);
    if (other && !hasStepEnded(other))
      endStep(tx, other, { phase: "cancelled", now, reason: because });
  }
  const { reason, exitCode } = failure;
  endJob(tx, known, { phase: "failed", now, reason: `${because}: ${reason}`, exitCode });
}

/** The code that added steps and tasks has returned: there will be no more of either. */
function closeAfterMain(tx: Transaction, job: JobRecord, index: JobIndex): void {
  tx.put({ ...job, status: { ...job.status, open: false } });
  for (const name of index.unendedSteps()) {
    const step = tx.get("step", name);
    if (step?.spec.source.type !== "list" || step.status.closed || hasStepEnded(step)) continue;
    tx.put({ ...step, status: { ...step.status, closed: true, total: step.status.offered } });
  }
}

/** Ends a job that is closed and whose steps have all ended. Idempotent. */
export function advanceJob(
  tx: Transaction,
  name: string,
  around: Pick<Surroundings, "index" | "now" | "failure">,
): void {
  const job = tx.get("job", name);
  const { index, now } = around;
  if (!job || hasJobEnded(job) || job.status.open || index.unended > 0) return;
  const main = job.spec.mainStep === undefined ? undefined : tx.get("step", job.spec.mainStep);
  const failed = isFunctionJob(main) ? undefined : index.firstFailed();
  const step = failed === undefined ? undefined : tx.get("step", failed);
  if (!step) return void endJob(tx, job, { phase: "succeeded", now, exitCode: 0 });
  const failure = around.failure(step);
  if (!failure) return;
  const others = index.failed > 1 ? ` (and ${index.failed - 1} more steps)` : "";
  const reason = `'${step.spec.name}' failed${others}: ${step.status.reason ?? failure.reason}`;
  endJob(tx, job, { phase: "failed", now, reason, exitCode: failure.exitCode });
}
