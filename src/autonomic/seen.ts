import { addBuckets, histogramOf } from "#/model/run-time-histogram.ts";
import type { StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { Seen } from "./demand.ts";

/** Finished tasks of a job's own after which others are not asked. */
const ownMin = 5;

/**
 * Run times of the steps that are in memory: those of jobs that run, and that have ended a short while ago.
 * A job's own tasks say best what its others will take.
 */
export function seenIn(space: Pick<Space, "all">, project: string): Seen {
  return (title, job) => {
    const like: StepRecord[] = [];
    for (const step of space.all("step"))
      if (step.project === project && step.spec.title === title) like.push(step);
    const own = observed(like.filter(({ name }) => jobOf(name) === job));
    return own && own.count >= ownMin ? own : (observed(like) ?? own);
  };
}

function observed(steps: readonly StepRecord[]) {
  let buckets: number[] = [];
  let attempts = 0;
  let wallMs = 0;
  for (const { status } of steps) {
    buckets = addBuckets(buckets, status.runTimes);
    attempts += status.usage.attempts;
    wallMs += status.usage.wallMs;
  }
  const finished = buckets.reduce((sum, tasks) => sum + tasks, 0);
  // Where attempts have failed, their time is among it: the histogram has those that succeeded alone.
  return histogramOf(
    buckets,
    attempts === finished && attempts > 0 ? wallMs / attempts : undefined,
  );
}
