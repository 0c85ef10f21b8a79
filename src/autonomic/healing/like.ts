import type { StepRecord } from "#/model/step.ts";
import { anything, possible, type Distribution } from "../knowledge/distribution.ts";
import type { RunTimeKnowledge } from "../knowledge/run-times.ts";
import { sortsOf } from "../knowledge/sorts.ts";

/** What is known of how long tasks like these take, on a machine of the usual speed. */
export interface Like {
  /** Those of its job and title, or that run the same elsewhere, that have ended. */
  readonly ended: number;
  readonly runMs: Distribution;
}

/** Every observation counts as much as any other: what is drawn by chance in a forecast is here what is likeliest. */
const even = { fraction: () => 1 - 1 / Math.E };
/**
 * Narrow enough to say how long one takes: of the same job and title, and those that run the same with the same
 * needs.
 */
const narrow = 2;

/**
 * `runningMs` is how long the others of the step have run so far, as on a usual machine: when all take long, none is
 * slow.
 */
export function likeOf(
  runTimes: Pick<RunTimeKnowledge, "known">,
  step: Pick<StepRecord, "name" | "project" | "spec">,
  runningMs: readonly number[],
): Like {
  const sorts = sortsOf(step);
  const { sorts: known } = runTimes.known(sorts, new Map([[sorts[0]!, runningMs]]));
  let runMs = anything;
  for (const sort of sorts.toReversed()) {
    const seen = known.get(sort);
    if (seen) runMs = possible(seen, runMs, even);
  }
  const ended = sorts.slice(0, narrow).map((sort) => known.get(sort)?.endedMs.length ?? 0);
  return { ended: Math.max(...ended), runMs };
}
