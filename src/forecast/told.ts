import type { Observations } from "#/autonomic/knowledge/distribution.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { sortInJob } from "#/autonomic/knowledge/sorts.ts";
import type { JobRecord } from "#/model/job.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { jobOf } from "#/model/task.ts";

/** As parts of their mean, what tasks are taken to last of which only somebody's word is known: their mean is 1. */
const spread = [0.5, 0.8, 1.1, 1.6];
/** So many times each. Somebody who says how long tasks take knows more than that nothing takes days. */
const times = 4;

/**
 * Run times, with what people said of jobs that have plans where nothing was seen: for the tasks of the job, those
 * that run the same and those of the same title. `sortsOfSteps` as by `sortsOf`, by step.
 */
export function withTold(
  known: KnownRunTimes,
  jobs: readonly JobRecord[],
  plans: readonly (PlanRecord | undefined)[],
  sortsOfSteps: ReadonlyMap<string, readonly string[]>,
): KnownRunTimes {
  const ofPlan = new Map(plans.map((plan) => [plan?.name, plan]));
  const goals = new Map(jobs.map(({ name, spec }) => [name, spec.goal]));
  const sorts = new Map(known.sorts);
  for (const [step, of] of sortsOfSteps) {
    const job = jobOf(step);
    const work = ofPlan.get(goals.get(job)?.plan)?.spec.work ?? [];
    const told = work.find(({ kind, seen }) => seen === "told" && sortInJob(job, kind) === of[0]);
    if (told) for (const sort of of.slice(0, 3)) addTold(sorts, sort, told.meanMs);
  }
  return { ...known, sorts };
}

function addTold(sorts: Map<string, Observations>, sort: string, meanMs: number): void {
  const { endedMs = [], runningMs = [] } = sorts.get(sort) ?? {};
  if (endedMs.length > 0) return;
  const told = spread.flatMap((share) => Array<number>(times).fill(share * meanMs));
  sorts.set(sort, { endedMs: told, runningMs });
}
