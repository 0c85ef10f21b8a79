import { limits } from "#/base/limits.ts";
import { confinedRecord } from "#/model/confinement.ts";
import type { StepRecord } from "#/model/step.ts";
import type { FailedAttempt, TaskError, TaskRecord, TaskStatus } from "#/model/task.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { TaskReport } from "#/model/wire.ts";
import type { Transaction } from "#/space/space.ts";
import { backOffMs, retriesOf } from "./retry.ts";
import type { Lease } from "./state.ts";
import type { Tally } from "./tally.ts";

/** An attempt that came to its end: whose, and the records that its end changes. */
export interface Ending {
  readonly tx: Transaction;
  readonly tally: Tally;
  readonly step: StepRecord;
  readonly task: TaskRecord;
  readonly lease: Lease;
  /** Wall clock. */
  readonly now: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The task ends: its result goes to the archive with it. */
export function succeed(
  { tx, tally, step, task, lease }: Ending,
  report: TaskReport,
  usage: TaskUsage,
): void {
  const { result, resultBlob, outputs, shuffleBytes, exitCode } = report;
  const machine = lease.machine.name;
  const status: Mutable<TaskStatus> = { phase: "succeeded", machine, usage };
  if (result !== undefined) status.result = result;
  if (resultBlob !== undefined) status.resultBlob = resultBlob;
  if (outputs !== undefined) status.outputs = outputs;
  if (shuffleBytes !== undefined) status.shuffle = { machine, bytes: shuffleBytes };
  if (exitCode !== undefined) status.exitCode = exitCode;
  if (task.status.attempts !== undefined) status.attempts = task.status.attempts;
  if (task.status.lost !== undefined) status.lost = task.status.lost;
  if (task.status.regrouped !== undefined) status.regrouped = task.status.regrouped;
  if (task.status.preempted !== undefined) status.preempted = task.status.preempted;
  if (task.status.copies !== undefined) status.copies = task.status.copies;
  tx.archive({ ...task, status });
  confineMade(tx, step, report);
  const of = tally.of(step.name);
  of.succeeded++;
  of.ran(usage.wallMs);
}

/** What is made of data that may not leave a site may not either. */
function confineMade(tx: Transaction, { project, spec }: StepRecord, report: TaskReport): void {
  const { outputs = {}, resultBlob } = report;
  for (const rule of spec.template.needs.confinedBy ?? [])
    for (const key of [...Object.values(outputs), resultBlob])
      if (key !== undefined) tx.archive<"confined">(confinedRecord(project, key, rule));
}

/**
 * The attempt failed: the task rests and is tried again, or ends when its retries are used up. While
 * another attempt is under way that one is the next try, and only its failure can be the last one.
 */
export function fail(ending: Ending, report: TaskReport, usage: TaskUsage): void {
  const { tx, tally, step, task, lease, now } = ending;
  const { template } = step.spec;
  const error = soundError(report.error!);
  const attempts = [
    ...(task.status.attempts ?? []),
    { machine: lease.machine.name, at: now, error },
  ];
  if (attempts.length > retriesOf(template)) {
    if (lease.twin) return leave(ending);
    const exitCode = error.exitCode ?? report.exitCode;
    giveUp(ending, attempts, { usage, ...(exitCode !== undefined && { exitCode }) });
    return;
  }
  tally.of(step.name).retried++;
  if (lease.twin) return leave(ending, { attempts });
  const notBefore = now + backOffMs(template.retryMs, attempts.length, lease.index);
  tx.put({ ...task, status: { ...again(task, lease), phase: "waiting", notBefore, attempts } });
}

/**
 * The attempt went with its machine: the task is ready again, and no failure is charged. One that is
 * lost again and again is taken to be what ends its machines, and is given up; that spot machines go says little of it.
 */
export function lose(ending: Ending): void {
  const { tx, tally, step, task, lease, now } = ending;
  const { run } = step.spec.template;
  const isJob = run.driver === "runner" && run.role === "job";
  const lost = (task.status.lost ?? 0) + 1;
  tally.of(step.name).lost++;
  if (lease.twin) return leave(ending, { lost });
  const { order: name = "" } = lease.machine.record.spec;
  const isSpot = tx.get("order", name)?.spec.offer.market === "spot";
  const lostMax = isJob ? limits.jobLostMax : isSpot ? limits.spotLostMax : limits.lostMax;
  if (lost < lostMax) {
    tx.put({ ...task, status: { ...again(task, lease), phase: "ready", lost } });
    return;
  }
  const machine = lease.machine.name;
  const message = `Gave up ${task.name} as ${lost} machines were lost while they ran it, the last one ${machine}`;
  const error: TaskError = { reason: "machine-lost", message };
  giveUp(ending, [...(task.status.attempts ?? []), { machine, at: now, error }], { lost });
}

/** A game day ended the attempt. The task is charged with nothing: it rests as after a first failure, and is tried again. */
export function resume(ending: Ending): void {
  const { tx, tally, step, task, lease, now } = ending;
  tally.of(step.name).lost++;
  if (lease.twin) return leave(ending);
  const notBefore = now + backOffMs(step.spec.template.retryMs, 1, lease.index);
  tx.put({ ...task, status: { ...again(task, lease), phase: "waiting", notBefore } });
}

/** One of two attempts is over, and the other one goes on. What stays says which leases are over. */
export function leave(
  { tx, task, lease }: Pick<Ending, "tx" | "task" | "lease">,
  more: Pick<TaskStatus, "attempts" | "lost" | "preempted"> = {},
): void {
  tx.put({
    ...task,
    status: { ...task.status, ...more, phase: "ready", ...afterLeaving(task, lease) },
  });
}

function afterLeaving(
  { status: { fence, copies = [] } }: TaskRecord,
  { fence: over, twin }: Lease,
): Pick<TaskStatus, "fence" | "copies"> {
  if (over < twin!.fence) {
    const left = copies.filter((copy) => copy.fence > over);
    return { fence: Math.max(over, fence ?? 0), copies: left };
  }
  return { copies: copies.map((copy) => (copy.fence === over ? { ...copy, isOver: true } : copy)) };
}

/** A reduce attempt found its input gone. It waits for that to be made again, and is charged no attempt. */
export function waitForInput(ending: Ending, error: TaskError, isCounted: boolean): void {
  const { tx, tally, step, task, lease, now } = ending;
  const lost = (task.status.lost ?? 0) + (isCounted ? 1 : 0);
  if (isCounted) tally.of(step.name).lost++;
  if (lost >= limits.lostMax) {
    const last = { machine: lease.machine.name, at: now, error: soundError(error) };
    giveUp(ending, [...(task.status.attempts ?? []), last], { lost });
    return;
  }
  tx.put({ ...task, status: { ...again(task, lease), phase: "waiting", notBefore: now, lost } });
}

/** Ends a task as failed. The archive is where dead letters lie, until `canopy retry` takes them back. */
function giveUp(
  { tx, tally, step, task, lease }: Ending,
  attempts: FailedAttempt[],
  more: Partial<Pick<TaskStatus, "usage" | "exitCode" | "lost">>,
): void {
  const { lost } = task.status;
  const fence = highestFence(task.status, lease);
  const ran = { machine: lease.machine.name, ...(lost !== undefined && { lost }), ...more };
  tx.archive({ ...task, status: { phase: "failed", fence, attempts, ...ran } });
  tally.of(step.name).failed++;
}

/** Another one of its gang ended before its time: the task runs again with the others, and is charged with nothing. */
export function regroup({ tx, task, lease }: Ending): void {
  const regrouped = (task.status.regrouped ?? 0) + 1;
  tx.put({ ...task, status: { ...again(task, lease), phase: "ready", regrouped } });
}

/** Another one of its gang has been given up: there is no use in this one alone. */
export function giveUpWith(ending: Ending, other: string): void {
  const { task, lease, now } = ending;
  const message = `Gave up ${task.name} as ${other} of its gang was given up`;
  const error: TaskError = { reason: "gang-failed", message };
  const attempts = [
    ...(task.status.attempts ?? []),
    { machine: lease.machine.name, at: now, error },
  ];
  giveUp(ending, attempts, {});
}

/** What stays of a status when the task is to be handed out again. The lease is over for good. */
function again(
  { status }: TaskRecord,
  lease: Lease,
): Pick<TaskStatus, "attempts" | "lost" | "regrouped" | "fence"> {
  const { attempts, lost, regrouped } = status;
  const fence = highestFence(status, lease);
  return {
    fence,
    ...(attempts && { attempts }),
    ...(lost !== undefined && { lost }),
    ...(regrouped !== undefined && { regrouped }),
  };
}

/** With the last attempt all leases are over, those of its copies too. */
export function highestFence({ copies }: TaskStatus, { fence }: Lease): number {
  return copies ? Math.max(fence, ...copies.map((copy) => copy.fence)) : fence;
}

/** As it is kept: text of any length would be kept with every attempt. */
function soundError({ reason, message, stack, exitCode }: TaskError): TaskError {
  return {
    reason,
    message: message.slice(0, limits.errorTextBytesMax),
    ...(stack !== undefined && { stack: stack.slice(0, limits.errorTextBytesMax) }),
    ...(exitCode !== undefined && { exitCode }),
  };
}
