import { limits } from "#/base/limits.ts";
import { briefDuration } from "#/model/units.ts";
import type { Distribution } from "../knowledge/distribution.ts";
import type { Like } from "./like.ts";

/** Quantiles by which two distributions are compared. */
const points = 40;
const shares = Array.from({ length: points }, (_, at) => (at + 0.5) / points);

/** What is to be expected of an attempt, and of a fresh one on another machine. */
export interface Outlook {
  /** What the attempt still takes, half of the time. */
  readonly leftMs: number;
  /** What a fresh one takes, half of the time. */
  readonly freshMs: number;
  /** How likely it is that the fresh one ends first. */
  readonly chance: number;
}

/**
 * Compares what is left of an attempt with a fresh one. How long the attempt still takes is the
 * distribution of its like, given that it has taken so long already: among tasks of very unlike lengths a
 * long one is just long, and a fresh attempt would gain nothing; among tasks that all take the same it is
 * its machine. That is the estimate of time to end by which LATE chooses (M. Zaharia et al., "Improving
 * MapReduce Performance in Heterogeneous Environments", OSDI 2008), with nothing assumed of its progress.
 */
export function outlookOf(
  runMs: Distribution,
  attempt: { ranMs: number; slowness: number },
  freshSlowness: number,
): Outlook {
  const { ranMs, slowness } = attempt;
  const left = shares.map((share) =>
    Math.max(0, slowness * runMs.quantileMs(share, ranMs / slowness) - ranMs),
  );
  const fresh = shares.map((share) => freshSlowness * runMs.quantileMs(share));
  let first = 0;
  for (const one of fresh) for (const other of left) if (one < other) first++;
  return {
    leftMs: left[points / 2]!,
    freshMs: fresh[points / 2]!,
    chance: first / points ** 2,
  };
}

/** Whether an attempt is so slow that a fresh one beside it is worth its cost. */
export function isStraggler(
  { ended, runMs }: Like,
  attempt: { ranMs: number; slowness: number },
  { chance }: Outlook,
): boolean {
  const usualMs = attempt.slowness * runMs.quantileMs(0.5);
  return (
    ended >= limits.copyEvidenceMin &&
    attempt.ranMs >= limits.copyAfterMs &&
    attempt.ranMs >= limits.copyAfterFactor * Math.min(usualMs, runMs.quantileMs(0.5)) &&
    chance >= limits.copyChanceMin
  );
}

/** What was seen, for people. */
export function seenOf(
  { ended, runMs }: Like,
  { ranMs, machine }: { ranMs: number; machine: string },
): string {
  const [half, most] = [runMs.quantileMs(0.5), runMs.quantileMs(0.95)].map(briefDuration);
  return `it has run for ${briefDuration(ranMs)} on ${machine}; of its like ${ended} have ended, half of them within ${half} and 95 % within ${most}`;
}
