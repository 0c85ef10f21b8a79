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
/** Of a normal variable: nine times in ten below. */
const ninetieth = 1.2816;
/** Of a hundred jobs, in so many may a task that begins last take longer than was kept for it. */
const lateJobsMax = 0.01;
/** Tasks that may begin at about the same time, as far as it matters here. */
const lastTasksMax = 64;
/** How far a person's word is trusted. */
const toldMeanHigh = 1.25;
const toldLong = 1.5;

/**
 * What to believe of `tasks` tasks after so many were seen. The variance is the one seen mixed with a prior
 * one, as a normal distribution with an inverse-gamma prior on its variance has it (Gelman et al., "Bayesian
 * Data Analysis", 3rd ed., section 3.3), so that few tasks leave a wide band however equal they were.
 */
export function beliefOf(
  { count, meanMs, variance }: Observed,
  tasks = lastTasksMax,
): RunTimeBelief {
  const prior = (priorSpread * meanMs) ** 2;
  const mixed = (priorCount * prior + count * variance) / (priorCount + count);
  const meanHighMs = meanMs + ninetieth * Math.sqrt(mixed / Math.max(1, count));
  const spread = Math.sqrt(mixed) / Math.max(meanMs, 1e-9);
  const longMs = meanHighMs * longestOfLast(spread, Math.min(tasks, lastTasksMax));
  return { meanMs, meanHighMs, longMs: Math.max(longMs, meanHighMs) };
}

/** What to believe when a person has said how long a task takes. */
export function toldBelief(ms: number): RunTimeBelief {
  return { meanMs: ms, meanHighMs: ms * toldMeanHigh, longMs: ms * toldLong };
}

/**
 * How many times the mean to keep for tasks that begin last, on `slots` slots that are never idle before:
 * slots begin tasks at the rate of 1 per mean each, and one that begins `x` before the end of all work is
 * late when it takes longer than `x` and what is kept for it. So late tasks are expected to be
 * slots × E[(run time − kept)⁺] / mean (the equilibrium distribution of renewal theory: Cox, "Renewal
 * Theory", 1962, chapter 5). Run times are taken as log-normal, with that coefficient of variation.
 */
function longestOfLast(spread: number, slots: number): number {
  if (spread === 0) return 1;
  const sigma = Math.sqrt(Math.log(1 + spread ** 2));
  const mu = -(sigma ** 2) / 2;
  const excess = (kept: number) => {
    const z = (Math.log(kept) - mu) / sigma;
    return normalBelow(sigma - z) - kept * normalBelow(-z);
  };
  let [low, high] = [1, 1000];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (slots * excess(middle) > lateJobsMax) low = middle;
    else high = middle;
  }
  return high;
}

/** The standard normal distribution function, to 1e-7: Abramowitz and Stegun, 26.2.17. */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}
