import type { BootTime } from "#/model/site.ts";
import { standardNormal } from "#/planning/normal.ts";

/** What was seen of machines of one offer, from their order until they had joined. */
export interface BootsSeen {
  readonly joinedMs: readonly number[];
  /** For how long those have booted that never joined, or have not yet. */
  readonly waitedMs: readonly number[];
}

/** What a site says counts as so many machines that were seen; what is assumed where it says nothing, as one. */
const statedCount = 3;
const assumedCount = 1;
const assumed: BootTime = { median: 90_000, p90: 240_000 };
/** A boot time is never taken to be more certain than that, as a deviation of its logarithm. */
const deviationMin = 0.1;
const rounds = 30;

/**
 * How long machines boot: a log-normal distribution fitted to what the site says and to what was seen, where those
 * that never joined count as longer than they were waited for (expectation and maximization: A. P. Dempster,
 * N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1977; the stated distribution is a conjugate prior).
 * The p90 is that of the next machine: it lies the farther out the fewer were seen.
 */
export function bootTimeOf({ joinedMs, waitedMs }: BootsSeen, stated?: BootTime): BootTime {
  const { median, p90 } = stated ?? assumed;
  const count = stated ? statedCount : assumedCount;
  const priorMean = log(median);
  const priorDeviation = Math.max(deviationMin, (log(p90) - priorMean) / normal90);
  const joined = joinedMs.map(log);
  const waited = waitedMs.map(log);
  const all = count + joined.length + waited.length;
  let mean = priorMean;
  let deviation = priorDeviation;
  for (let round = 0; round < rounds; round++) {
    let sum = count * priorMean;
    let squares = count * (priorDeviation ** 2 + (priorMean - mean) ** 2);
    for (const value of joined) {
      sum += value;
      squares += (value - mean) ** 2;
    }
    for (const bound of waited) {
      const z = (bound - mean) / deviation;
      const hazard = standardNormal.hazard(z);
      sum += mean + deviation * hazard;
      squares += deviation ** 2 * (1 + z * hazard);
    }
    mean = sum / all;
    deviation = Math.max(deviationMin, Math.sqrt(squares / all));
  }
  const next = deviation * Math.sqrt(1 + 1 / all);
  return {
    median: Math.round(Math.exp(mean)),
    p90: Math.round(Math.exp(mean + normal90 * next)),
  };
}

const normal90 = 1.2816;

function log(ms: number): number {
  return Math.log(Math.max(1, ms));
}
