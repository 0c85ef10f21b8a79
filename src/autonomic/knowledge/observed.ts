import { standardNormal } from "#/planning/normal.ts";
import type { Observed } from "#/planning/mix/beliefs.ts";
import type { Observations } from "./distribution.ts";

/** So many times those under way must have ended before they alone tell how long one takes. */
const endedMin = 3;
/** What a run time is taken to spread before anything is known, as of a logarithm; it counts as so many tasks. */
const priorDeviation = 0.5;
const priorCount = 2;
const rounds = 30;

/**
 * Mean and variance of what was seen of one sort of task; undefined when none has ended.
 *
 * The tasks of a job that end first are its short ones. So until several times as many have ended as are
 * under way, those count as longer than they have run: each passes its weight on to all that took longer
 * (the product-limit estimate as B. Efron puts it, "The two sample problem with censored data", 1967). What has
 * run longer than any that ended goes on as a log-normal distribution does that is fitted to all of them
 * by expectation and maximization (A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1977).
 */
export function observedOf(
  { endedMs, runningMs }: Observations,
  ended = endedMs.length,
): Observed | undefined {
  if (ended === 0) return undefined;
  const isTold = ended >= endedMin * runningMs.length;
  const points = isTold ? endedMs.map((ms) => [ms, ms ** 2] as const) : [];
  const weights = points.map(() => 1 / points.length);
  if (!isTold) redistribute({ endedMs, runningMs }, points, weights);
  const sum = (of: 0 | 1) =>
    points.reduce((total, point, at) => total + point[of] * weights[at]!, 0);
  const meanMs = sum(0);
  return { count: ended, meanMs, variance: Math.max(0, sum(1) - meanMs ** 2) };
}

type Moments = readonly [mean: number, square: number];

/** Fills in what each point is taken to be, and how much it counts. */
function redistribute(
  { endedMs, runningMs }: Observations,
  points: Moments[],
  weights: number[],
): void {
  const all = [
    ...endedMs.map((ms) => ({ ms, hasEnded: true })),
    ...runningMs.map((ms) => ({ ms, hasEnded: false })),
  ].sort((a, b) => a.ms - b.ms || Number(b.hasEnded) - Number(a.hasEnded));
  const longest = all.findLastIndex(({ hasEnded }) => hasEnded);
  const fit = longest + 1 < all.length ? fitted(endedMs.map(log), runningMs.map(log)) : undefined;
  let passedOn = 0; // by those before, to each that follows
  for (const [at, { ms, hasEnded }] of all.entries()) {
    const weight = 1 / all.length + passedOn;
    if (!hasEnded && at < longest) passedOn += weight / (all.length - at - 1);
    else {
      points.push(hasEnded ? [ms, ms ** 2] : beyond(fit!, ms));
      weights.push(weight);
    }
  }
}

/** Mean and mean square of what is longer than `ms`, of a log-normal distribution. */
function beyond({ mean, variance }: { mean: number; variance: number }, ms: number): Moments {
  const deviation = Math.sqrt(variance);
  const z = (log(ms) - mean) / deviation;
  const share = Math.max(standardNormal.below(-z), 1e-9);
  const moment = (power: 1 | 2) =>
    (Math.exp(power * mean + (power ** 2 * variance) / 2) *
      standardNormal.below(power * deviation - z)) /
    share;
  const first = Math.max(ms, moment(1));
  return [first, Math.max(first ** 2, moment(2))];
}

/** Of a normal distribution; of the `censored` it is only known that they are above. */
function fitted(
  ended: readonly number[],
  censored: readonly number[],
): { mean: number; variance: number } {
  let mean = ended.reduce((sum, value) => sum + value, 0) / ended.length;
  let variance = priorDeviation ** 2;
  for (let round = 0; round < rounds; round++) {
    let sum = 0;
    let squares = 0;
    for (const value of ended) {
      sum += value;
      squares += value ** 2;
    }
    const deviation = Math.sqrt(variance);
    for (const bound of censored) {
      const z = (bound - mean) / deviation;
      const hazard = standardNormal.hazard(z);
      sum += mean + deviation * hazard;
      squares += mean ** 2 + variance + deviation * (bound + mean) * hazard;
    }
    const count = ended.length + censored.length;
    const next = sum / count;
    const spread = Math.max(0, squares / count - next ** 2);
    variance = (count * spread + priorCount * priorDeviation ** 2) / (count + priorCount);
    mean = next;
  }
  return { mean, variance };
}

function log(ms: number): number {
  return Math.log(Math.max(ms, 0.05));
}
