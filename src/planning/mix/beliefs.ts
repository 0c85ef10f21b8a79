import { standardNormal } from "../normal.ts";
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
 * Data Analysis", 3rd ed., section 3.3), so that few tasks leave a wide band however equal they were. Of tasks that
 * run in gangs, so many `together`, the longest of a gang is what is kept.
 */
export function beliefOf(
  { count, meanMs, variance }: Observed,
  tasks = lastTasksMax,
  together?: number,
): RunTimeBelief {
  const prior = (priorSpread * meanMs) ** 2;
  const mixed = (priorCount * prior + count * variance) / (priorCount + count);
  const meanHighMs = meanMs + ninetieth * Math.sqrt(mixed / Math.max(1, count));
  const spread = Math.sqrt(mixed) / Math.max(meanMs, 1e-9);
  const longMs =
    meanHighMs *
    (together === undefined
      ? longestOfLast(spread, Math.min(tasks, lastTasksMax))
      : longestOf(spread, together));
  return { meanMs, meanHighMs, longMs: Math.max(longMs, meanHighMs) };
}

/** What was seen here and there, as one. */
export function pooled(a: Observed, b: Observed): Observed {
  const count = a.count + b.count;
  const meanMs = (a.count * a.meanMs + b.count * b.meanMs) / count;
  const square = (of: Observed) => of.count * (of.variance + of.meanMs ** 2);
  return { count, meanMs, variance: Math.max(0, (square(a) + square(b)) / count - meanMs ** 2) };
}

/** What must have been seen of so many tasks to believe that. */
export function seenBehind({ meanMs, meanHighMs }: RunTimeBelief, count: number): Observed {
  return { count, meanMs, variance: ((meanHighMs - meanMs) / ninetieth) ** 2 * count };
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
    return standardNormal.below(sigma - z) - kept * standardNormal.below(-z);
  };
  let [low, high] = [1, 1000];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (slots * excess(middle) > lateJobsMax) low = middle;
    else high = middle;
  }
  return high;
}

/** How many times the mean the longest of so many may take, in as few jobs. Run times are log-normal. */
function longestOf(spread: number, tasks: number): number {
  const sigma = Math.sqrt(Math.log(1 + spread ** 2));
  return Math.exp(sigma * standardNormal.quantile(1 - lateJobsMax / tasks) - sigma ** 2 / 2);
}
