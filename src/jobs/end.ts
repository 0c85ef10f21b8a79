import { limits } from "#/base/limits.ts";
import type { JobPhase, JobRecord } from "#/model/job.ts";
import { hasStepEnded, unfinishedTasks, type StepPhase, type StepRecord } from "#/model/step.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { Space, Transaction } from "#/space/space.ts";

/** How something ended. `now` is the wall clock, `reason` for people. */
export interface Ending<Phase> {
  phase: Phase;
  now: number;
  reason?: string;
}

/** Ends a step. The scheduler stops what of it still runs; its tasks are taken away by `sweepStep`. */
export function endStep(
  tx: Transaction,
  step: StepRecord,
  { phase, now, reason }: Ending<Exclude<StepPhase, "blocked" | "running">>,
): StepRecord {
  const status = { ...step.status, phase, endedAt: now, ...(reason !== undefined && { reason }) };
  return tx.put({ ...step, status });
}

export function endJob(
  tx: Transaction,
  job: JobRecord,
  { phase, now, reason, exitCode }: Ending<Exclude<JobPhase, "running">> & { exitCode: number },
): JobRecord {
  const { held: _held, ...before } = job.status;
  const status = {
    ...before,
    phase,
    endedAt: now,
    exitCode,
    ...(reason !== undefined && { reason }),
  };
  return tx.put({ ...job, status });
}

/**
 * Archives a batch of the tasks that an ended step still has, as cancelled; true when none is left.
 * With the last of them, those that were due to come back from the archive count as cancelled too:
 * they stay there. Does nothing to a step that runs.
 */
export function sweepStep(space: Space, name: string): boolean {
  const ended = space.get("step", name);
  if (!ended || !hasStepEnded(ended)) return true;
  const tasks: TaskRecord[] = [];
  for (const task of space.list("task", name)) {
    if (tasks.length === limits.jobsBatchMax) break;
    tasks.push(task);
  }
  const isLast = tasks.length === space.count("task", name);
  const more = isLast ? unfinishedTasks(ended) : tasks.length;
  space.commit((tx) => {
    for (const task of tasks)
      tx.archive({ ...task, status: { ...task.status, phase: "cancelled" } });
    if (more === 0) return;
    tx.put({ ...ended, status: { ...ended.status, cancelled: ended.status.cancelled + more } });
  });
  return isLast;
}
