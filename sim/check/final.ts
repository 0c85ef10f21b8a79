import type { JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { AnyRecord } from "#/model/record.ts";
import type { Plane } from "../cloud/plane.ts";
import { longestMs, type Fate } from "../load/fates.ts";
import type { Acknowledged, AskedJob } from "./acknowledged.ts";
import type { Ledger } from "./ledger.ts";
import { areSame } from "./same.ts";
import { Violation } from "./violation.ts";

/** True when no acknowledged job runs any more. */
export function haveAllEnded(acknowledged: Acknowledged, ledger: Ledger): boolean {
  return [...acknowledged.jobs.keys()].every((id) => hasEnded(ledger, id));
}

function hasEnded(ledger: Ledger, id: string): boolean {
  const job = ledger.record<JobRecord>("job", id);
  if (!job || job.status.phase === "running") return false;
  for (let number = 0; number < job.status.steps; number++) {
    const step = ledger.record<StepRecord>("step", `${id}/${number}`);
    if (!step) return false;
    const { offered, succeeded, failed, cancelled } = step.status;
    if (succeeded + failed + cancelled !== offered) return false;
  }
  return true;
}

/** What acknowledged tasks that have not ended take when one runs after the other. */
export function workLeftMs(acknowledged: Acknowledged, ledger: Ledger): number {
  let leftMs = 0;
  for (const { id, steps } of acknowledged.jobs.values()) {
    if (hasEnded(ledger, id)) continue;
    for (const [number, { inputs }] of steps.entries()) {
      for (const [index, input] of inputs.entries()) {
        const task = ledger.record<TaskRecord>("task", `${id}/${number}/${index}`);
        const phase = task?.status.phase ?? "ready";
        if (phase === "ready" || phase === "waiting")
          leftMs += longestMs(JSON.parse(input) as Fate);
      }
    }
  }
  return leftMs;
}

/** Of a job that does not end: what it waits for, for people. */
export function explainRunning(acknowledged: Acknowledged, ledger: Ledger): string {
  for (const id of acknowledged.jobs.keys()) {
    if (hasEnded(ledger, id)) continue;
    const job = ledger.record<JobRecord>("job", id);
    const steps = Array.from({ length: job?.status.steps ?? 0 }, (_, number) => {
      const step = ledger.record<StepRecord>("step", `${id}/${number}`);
      return JSON.stringify(step?.status);
    });
    return `${id} ${JSON.stringify(job?.status)} ${steps.join(" ")}`;
  }
  return "none";
}

/** Every task that was acknowledged is there, with its input, and has ended once. */
export function checkTasks(acknowledged: Acknowledged, ledger: Ledger): number {
  let tasks = 0;
  for (const asked of acknowledged.jobs.values()) {
    const job = ledger.record<JobRecord>("job", asked.id);
    if (!job) throw new Violation(`the job ${asked.id} was acknowledged, and is gone`);
    if (asked.wasCancelled && job.status.phase !== "cancelled")
      throw new Violation(`the job ${asked.id} was cancelled, and has ${job.status.phase}`);
    for (const [number, { inputs }] of asked.steps.entries()) {
      const offered = ledger.record<StepRecord>("step", `${asked.id}/${number}`)?.status.offered;
      const mayBeCut = job.status.phase !== "succeeded" && offered === 0;
      if (mayBeCut) continue; // its turn never came
      for (const [index, input] of inputs.entries()) {
        checkTask(
          ledger.record<TaskRecord>("task", `${asked.id}/${number}/${index}`),
          input,
          asked,
          job,
        );
        tasks++;
      }
    }
  }
  return tasks;
}

function checkTask(
  task: TaskRecord | undefined,
  input: string,
  { id }: AskedJob,
  job: JobRecord,
): void {
  if (!task)
    throw new Violation(`a task of ${id} with the input ${input} was acknowledged, and is gone`);
  if (task.spec.input !== input)
    throw new Violation(`the task ${task.name} has the input ${task.spec.input}: it was ${input}`);
  const { phase } = task.status;
  if (phase === "ready" || phase === "waiting")
    throw new Violation(`the task ${task.name} of a job that has ended is ${phase}`);
  if (job.status.phase === "succeeded" && phase !== "succeeded" && phase !== "failed")
    throw new Violation(`the task ${task.name} of a job that succeeded was ${phase}`);
}

/** Every control plane holds what the batches amount to, record by record, to the last word. */
export async function checkEqual({ engine, machine }: Plane, ledger: Ledger): Promise<void> {
  if (!engine) throw new Violation(`${machine.name} is not back when all faults are over`);
  await engine.standing.catchUp();
  await engine.space.durable();
  const expected = new Map<string, AnyRecord>();
  for (const record of ledger.live()) expected.set(`${record.kind} ${record.name}`, record);
  for (const record of engine.space.snapshot().records) {
    const key = `${record.kind} ${record.name}`;
    const known = expected.get(key);
    if (!areSame(record, known))
      throw new Violation(
        `${machine.name} has ${JSON.stringify(record)}: it is ${JSON.stringify(known)}`,
      );
    expected.delete(key);
  }
  for (const key of expected.keys()) throw new Violation(`${machine.name} does not have ${key}`);
}
