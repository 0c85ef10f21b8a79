import { limits } from "#/base/limits.ts";
import type { JobRecord } from "#/model/job.ts";
import { unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { readyStatus, type TaskRecord, type TaskStatus } from "#/model/task.ts";
import type { Space, Transaction } from "#/space/space.ts";

/**
 * Trying a job again brings back tasks from the archive, up to millions of them, so it is not one
 * commit. The first one makes job and steps run again and takes failed and cancelled tasks out of the
 * counts, which leaves steps that say they have more unfinished tasks than are live. That difference
 * is what has to come back; it is in the records, so a restart in the middle loses nothing. A step
 * stays blocked until the difference is zero: none of its tasks can fail anew while others return.
 */
export function reopenJob(
  tx: Transaction,
  job: JobRecord,
  steps: readonly StepRecord[],
): JobRecord {
  let open = job.status.open;
  for (const step of steps) {
    if (step.status.phase === "succeeded") continue;
    const { endedAt: _endedAt, reason: _reason, ...status } = step.status;
    tx.put({ ...step, status: { ...status, phase: "blocked", failed: 0, cancelled: 0 } });
    if (step.name === job.spec.mainStep && isFunctionJob(step)) open = true;
  }
  const { bought, cut } = job.status; // what its machines have cost is spent for good
  const status = {
    phase: "running",
    open,
    steps: job.status.steps,
    ...(bought && { bought }),
    ...(cut && { cut }),
  } as const;
  return tx.put({ ...job, status });
}

/** A job whose main step is code that adds steps as it runs. */
export function isFunctionJob(main: StepRecord | undefined): boolean {
  const run = main?.spec.template.run;
  return run?.driver === "runner" && run.role === "job";
}

/** Tasks that a step counts as unfinished and that are not live: they have to come back. */
export function missingTasks(space: Space, step: StepRecord): number {
  return unfinishedTasks(step) - space.count("task", step.name);
}

/** As if never run; but what was reported of an attempt before is not to be taken for one of a new one. */
function anew({ status: { fence, copies = [] } }: TaskRecord): TaskStatus {
  const fences = [...(fence === undefined ? [] : [fence]), ...copies.map((copy) => copy.fence)];
  return fences.length === 0 ? readyStatus : { phase: "ready", fence: Math.max(...fences) };
}

/** Brings back a batch of a blocked step's tasks, as if never run. False when nothing was left to bring. */
export async function restoreTasks(space: Space, name: string): Promise<boolean> {
  const found: TaskRecord[] = [];
  for (const phase of ["failed", "cancelled"]) {
    const limit = Math.min(limits.jobsBatchMax, limits.pageMax);
    found.push(...(await space.archived("task", { prefix: `${name}/`, phase, limit })));
    if (found.length > 0) break;
  }
  space.commit((tx) => {
    const step = tx.get("step", name);
    if (step?.status.phase !== "blocked") return;
    for (const task of found) {
      if (!tx.get("task", task.name)) tx.put({ ...task, status: anew(task) });
    }
  });
  return found.length > 0;
}
