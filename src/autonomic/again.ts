import type { PlannedGang } from "#/model/plan.ts";
import type { StepStatus } from "#/model/step.ts";
import type { RunTimeBelief } from "#/planning/mix/problem.ts";

/** Attempts that are taken to have gone as before, before any was seen. */
const beliefAttempts = 20;
/** In more jobs than this a task that begins last may have to run again. */
const lateJobsMax = 0.01;

/** Attempts under which a share of those of a kind failed and were tried again, of several steps. */
export class Retries {
  #retried = 0;
  #attempts = 0;

  add({ retried, usage }: Pick<StepStatus, "retried" | "usage">): void {
    this.#retried += retried;
    this.#attempts += usage.attempts;
  }

  /** The share of attempts that is to be expected to fail; `before` is what was believed before these. */
  share(before = 0): number {
    return (this.#retried + before * beliefAttempts) / (this.#attempts + beliefAttempts);
  }
}

/**
 * What a task takes with what has to run again, when a share of attempts fails: each attempt fails by itself, so there are
 * 1 / (1 - share) in the mean, and the task that begins last may have to run once more. A whole gang runs
 * again with any of its tasks.
 */
export function withRetries(
  { meanMs, meanHighMs, longMs }: RunTimeBelief,
  share: number,
  gang: PlannedGang | undefined,
): RunTimeBelief {
  if (share <= 0) return { meanMs, meanHighMs, longMs };
  const together = gang?.isWhole ? gang.atOnce : 1;
  const good = Math.max(goodMin, (1 - Math.min(share, 1)) ** together);
  const onceMoreMs = 1 - good > lateJobsMax ? meanHighMs : 0;
  return {
    meanMs: meanMs / good,
    meanHighMs: meanHighMs / good,
    longMs: longMs / (gang ? good : 1) + onceMoreMs,
  };
}

/** What nearly always fails is not taken to need more runs than this is the inverse of. */
const goodMin = 0.1;
