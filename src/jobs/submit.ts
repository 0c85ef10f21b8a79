import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { faultsOfJob, faultsOfStep, type Fault, type KnownStep } from "#/model/job-check.ts";
import type { JobRequest, StepRequest } from "#/model/job-request.ts";
import { hasJobEnded, type JobGoal, type JobRecord } from "#/model/job.ts";
import { hasStepEnded, type StepRecord } from "#/model/step.ts";
import { isTooLarge, jobOf, type TaskSpec } from "#/model/task.ts";
import type { RecordOfKind } from "#/model/record.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { endJob, endStep, sweepStep } from "./end.ts";
import { growStep } from "./grow.ts";
import { reopenJob } from "./reopen.ts";
import { StepNames, stepName } from "./step-names.ts";
import { draftStep, fingerprintOf } from "./step-record.ts";

/**
 * Makes the records of a job: itself, and a step for each that was asked for, numbered from 0 in that
 * order. Nothing of it runs yet; the jobs loop begins what waits for nothing. `id` names it, `now` is
 * the wall clock. Throws "invalid" with the first fault of the request, having made nothing, and
 * "conflict" when there is a job `id`.
 */
export function submitJob(
  tx: Transaction,
  asked: {
    request: JobRequest;
    project: string;
    submittedBy: string;
    now: number;
    id: string;
    goal?: JobGoal;
  },
): JobRecord {
  const { request, project, submittedBy, now, id, goal } = asked;
  if (tx.get("job", id))
    throw new CanopyError("conflict", `Cannot submit job ${id} as there is one already`);
  refuse(faultsOfJob(request)[0]);
  const { steps, main } = request;
  const names = new Map(steps.map(({ name }, number) => [name, stepName(id, number)]));
  const byName = new Map(steps.map((step) => [step.name, step]));
  const isFunction = isJobFunction(main === undefined ? undefined : byName.get(main));
  for (const step of steps) {
    const from =
      step.shuffle?.role === "reduce" ? byName.get(step.shuffle.from)?.shuffle : undefined;
    const partitions = from?.role === "map" ? from.partitions : 0;
    const nameOf = (name: string) => names.get(name)!;
    tx.put<"step">(draftStep(step, { name: nameOf(step.name), project, nameOf, partitions }));
  }
  return tx.put({
    kind: "job",
    project,
    name: id,
    spec: {
      title: request.title,
      submittedBy,
      submittedAt: now,
      priority: request.priority,
      onFailure: request.onFailure,
      ...(main !== undefined && { mainStep: names.get(main)! }),
      ...(goal && { goal }),
    },
    status: { phase: "running", open: request.open || isFunction, steps: steps.length },
  });
}

function isJobFunction(step: StepRequest | undefined): boolean {
  return step?.run.driver === "runner" && step.run.role === "job";
}

/**
 * Adds a step to an open job. With `number`, it is the one of that number: when it is there already
 * and was asked for in the same words, it is given back, and nothing changes, whatever became of it or
 * its job since; `known` is that step, for when it has left memory. Throws "conflict" when it was asked for otherwise, would leave a gap, or the job has
 * ended or is closed, and "invalid" with the first fault of the request.
 */
export function addStep(
  tx: Transaction,
  { name }: Pick<JobRecord, "name">,
  request: StepRequest,
  options: { number?: number; known?: StepRecord } = {},
): StepRecord {
  const number = options.number ?? read(tx, "job", name).status.steps;
  const action = `Cannot add step ${number} ('${request.name}') to job ${name}`;
  const existing = tx.get("step", stepName(name, number)) ?? options.known;
  if (existing) return checkSame(action, existing, request);
  const job = read(tx, "job", name);
  if (number !== job.status.steps) {
    throw new CanopyError(
      "conflict",
      `${action} as the next one must be ${job.status.steps}: it is ${number}`,
    );
  }
  mustRun(action, job);
  if (!job.status.open) {
    throw new CanopyError("conflict", `${action} as the job must be open: it is closed`, {
      hint: "Submit a job with 'open' set, and close it after the last step",
    });
  }
  if (number >= limits.jobStepsMax) {
    throw new CanopyError(
      "too-large",
      `${action} as a job must have at most ${limits.jobStepsMax} steps`,
      {
        hint: "Give more tasks to fewer steps",
      },
    );
  }
  const names = StepNames.of(tx, job);
  const find = (name: string) => names.get(tx, job, name);
  if (find(request.name)) {
    throw new CanopyError(
      "conflict",
      `${action} as names must differ within a job: step ${find(request.name)!.name} has it`,
    );
  }
  const known = (name: string) => knownStep(find(name));
  refuse(faultsOfStep(request, known, { names: () => names.all(), isMain: false })[0]);
  const nameOf = (name: string) => find(name)!.name;
  const from = request.shuffle?.role === "reduce" ? request.shuffle.from : undefined;
  const partitions = (from !== undefined && known(from)?.partitions) || 0;
  const step = draftStep(request, {
    name: stepName(job.name, number),
    project: job.project,
    nameOf,
    partitions,
  });
  tx.put({ ...job, status: { ...job.status, steps: number + 1 } });
  return tx.put<"step">(step);
}

function checkSame(action: string, existing: StepRecord, request: StepRequest): StepRecord {
  if (existing.spec.fingerprint === fingerprintOf(request)) return existing;
  throw new CanopyError(
    "conflict",
    `${action} as it must be what was asked for the first time: that was '${existing.spec.name}' (${existing.spec.fingerprint}), this is ${fingerprintOf(request)}`,
    { hint: "Code of a job that runs again must make the same calls in the same order" },
  );
}

function knownStep(step: StepRecord | undefined): KnownStep | undefined {
  if (!step) return undefined;
  const { template, shuffle } = step.spec;
  return {
    outputs: template.outputs.map(({ path }) => path),
    tasks: step.status.total,
    partitions: shuffle?.role === "map" ? shuffle.partitions : undefined,
  };
}

/**
 * Adds tasks to a step whose source is a list: task `from` and those that follow, each with its JSON
 * text, or "null" and the key of a blob that holds it. What the step has already is passed over, so
 * a call may be repeated. `close` says that these are the last. Throws "conflict" when it would leave a
 * gap, or the step or its job takes no more; "limited" while too many tasks of the job wait;
 * "too-large" for an input that has to be a blob.
 */
export function appendTasks(
  tx: Transaction,
  { name }: Pick<StepRecord, "name">,
  from: number,
  inputs: readonly { input: string; inputBlob?: string }[],
  close: boolean,
): { offered: number } {
  const step = read(tx, "step", name);
  const { offered, closed } = step.status;
  const action = `Cannot add tasks ${from} to ${from + inputs.length - 1} to step ${step.name}`;
  if (step.spec.source.type !== "list") {
    throw new CanopyError(
      "invalid",
      `${action} as its source must be 'list': it is '${step.spec.source.type}'`,
    );
  }
  if (from > offered) {
    throw new CanopyError(
      "conflict",
      `${action} as the next one must be ${offered}: it is ${from}`,
    );
  }
  if (step.spec.gang && from + inputs.length > limits.gangTasksMax) {
    throw new CanopyError(
      "too-large",
      `${action} as a gang must have at most ${limits.gangTasksMax} tasks`,
      { hint: "Give the rest to another step" },
    );
  }
  const fresh = inputs.slice(offered - from);
  if (fresh.length === 0 && (closed || !close)) return { offered };
  const job = read(tx, "job", jobOf(name));
  mustRun(action, job);
  if (closed || hasStepEnded(step)) {
    throw new CanopyError(
      "conflict",
      `${action} as it must take more: it is ${closed ? "closed" : step.status.phase}`,
    );
  }
  mustHaveRoom(action, StepNames.of(tx, job).waitingTasks(tx), fresh.length);
  const tasks = fresh.map((input, index) => taskSpec(action, offered + index, input));
  return { offered: growStep(tx, step, { tasks, close }).status.offered };
}

function taskSpec(action: string, index: number, { input, inputBlob }: TaskSpec): TaskSpec {
  if (isTooLarge(input)) {
    throw new CanopyError(
      "too-large",
      `${action} as an input must be at most ${limits.inlineBytesMax} bytes: that of task ${index} is ${Buffer.byteLength(input)}`,
      { hint: "Store it as a blob, and give its key as 'inputBlob'" },
    );
  }
  return inputBlob === undefined ? { input } : { input, inputBlob };
}

function mustHaveRoom(action: string, waiting: number, more: number): void {
  if (waiting + more <= limits.jobWaitingTasksMax) return;
  throw new CanopyError(
    "limited",
    `${action} as at most ${limits.jobWaitingTasksMax} tasks of a job may wait: ${waiting} do`,
    { hint: "Send the same tasks again a little later", retryAfterMs: 1000 },
  );
}

/** Says that no more steps will be added: the job ends when those it has have ended. May be repeated. */
export function closeJob(tx: Transaction, { name }: Pick<JobRecord, "name">): JobRecord {
  const job = read(tx, "job", name);
  if (!job.status.open || hasJobEnded(job)) return job;
  return tx.put({ ...job, status: { ...job.status, open: false } });
}

/**
 * Ends a job and all its steps at once; its tasks follow in the turns after. May be repeated. Throws
 * "conflict" when the job has succeeded or failed before. `now` is the wall clock.
 */
export function cancelJob(
  tx: Transaction,
  { name }: Pick<JobRecord, "name">,
  reason: string,
  now: number,
): JobRecord {
  const job = read(tx, "job", name);
  if (job.status.phase === "cancelled") return job;
  mustRun(`Cannot cancel job ${job.name}`, job);
  for (let number = 0; number < job.status.steps; number++) {
    const step = tx.get("step", stepName(job.name, number));
    if (step && !hasStepEnded(step)) endStep(tx, step, { phase: "cancelled", reason, now });
  }
  return endJob(tx, job, { phase: "cancelled", reason, now, exitCode: cancelledExit });
}

/** What a shell gives for a program that was interrupted. */
const cancelledExit = 130;

/**
 * Runs again what of a failed or cancelled job failed or was cancelled; what succeeded stays. Finds the
 * job in the archive too. Resolves when it is durable that it runs; its tasks come back from the archive
 * in the turns after, and a step begins when all of its are there. Throws "not-found", and "conflict"
 * when the job runs or has succeeded. `commit` carries the one change out, and may add to it: `reopen` gives the job as it is then.
 */
export async function retryJob(
  space: Space,
  name: string,
  commit: (reopen: (tx: Transaction) => JobRecord) => Promise<unknown> = (reopen) =>
    space.commit(reopen).durable,
): Promise<void> {
  for (;;) {
    const [job] = await space.find("job", [name]);
    if (!job) throw new CanopyError("not-found", `Cannot retry job ${name} as there is none`);
    mustHaveFailed(job);
    const names = Array.from({ length: job.status.steps }, (_, number) => stepName(name, number));
    for (const step of names) while (!sweepStep(space, step)) await space.durable();
    const live = space.count("step", name);
    const steps = (await space.find("step", names)).filter((step) => step !== undefined);
    // What was archived while it was looked up is looked up again.
    if (space.count("step", name) !== live) continue;
    await commit((tx) => {
      const newest = tx.get("job", name) ?? job;
      mustHaveFailed(newest);
      return reopenJob(
        tx,
        newest,
        steps.map((step) => tx.get("step", step.name) ?? step),
      );
    });
    return;
  }
}

function mustHaveFailed(job: JobRecord): void {
  const { phase } = job.status;
  if (phase === "failed" || phase === "cancelled") return;
  const state = phase === "running" ? "is running" : "has succeeded";
  throw new CanopyError(
    "conflict",
    `Cannot retry job ${job.name} as it must have failed or been cancelled: it ${state}`,
  );
}

function read<K extends "job" | "step">(tx: Transaction, kind: K, name: string): RecordOfKind<K> {
  const record = tx.get(kind, name);
  if (record) return record;
  throw new CanopyError("not-found", `Cannot change ${kind} ${name} as there is none that runs`, {
    hint: "canopy ps",
  });
}

function mustRun(action: string, job: JobRecord): void {
  if (!hasJobEnded(job)) return;
  throw new CanopyError("conflict", `${action} as the job must be running: it has ${ended(job)}`);
}

function ended({ status }: JobRecord): string {
  return status.phase === "cancelled" ? "been cancelled" : status.phase;
}

function refuse(fault: Fault | undefined): void {
  if (!fault) return;
  throw new CanopyError("invalid", fault.message, { hint: fault.hint });
}
