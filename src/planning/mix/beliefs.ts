import type { RunTimeBelief } from "./problem.ts";

/** What was seen of the run times of one kind of tasks. */
export interface Observed {
  /** Tasks that have finished. */
  count: number;
  meanMs: number;
  /** Of one task, in ms². */
  variance: number;
}

/** Before anything was seen, a task is taken to vary by half of its mean; that counts as so many tasks seen. */
const priorSpread = 0.5;
const priorCount = 2;
/** Of a normal variable: nine times in ten below, nineteen of twenty. */
const ninetieth = 1.2816;
const ninetyFifth = 1.6449;
/** How far a person's word is trusted. */
const toldMeanHigh = 1.25;
const toldLong = 1.5;

/**
 * What to believe after so many tasks: the variance is the one seen mixed with a prior one, as a normal
 * distribution with an inverse-gamma prior on its variance has it (Gelman et al., "Bayesian Data Analysis",
 * 3rd ed., section 3.3), so that few tasks leave a wide band however equal they were.
 */
export function beliefOf({ count, meanMs, variance }: Observed): RunTimeBelief {
  const prior = (priorSpread * meanMs) ** 2;
  const mixed = (priorCount * prior + count * variance) / (priorCount + count);
  const ofMean = Math.sqrt(mixed / Math.max(1, count));
  return {
    meanMs,
    meanHighMs: meanMs + ninetieth * ofMean,
    longMs: meanMs + ninetyFifth * Math.sqrt(mixed),
  };
}

/** What to believe when a person has said how long a task takes. */
export function toldBelief(ms: number): RunTimeBelief {
  return { meanMs: ms, meanHighMs: ms * toldMeanHigh, longMs: ms * toldLong };
}
