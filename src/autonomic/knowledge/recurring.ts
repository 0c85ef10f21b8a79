import { isPlanned } from "#/model/job.ts";
import type { Arrival, ArrivedStep } from "./arrivals.ts";

/** A job that has come again and again at equal distances, and is expected. */
export interface Recurring {
  readonly project: string;
  readonly title: string;
  /** When it is expected next, by the wall clock, and by how much it was off at most. */
  readonly at: number;
  readonly offMs: number;
  readonly everyMs: number;
  /** How often it came. */
  readonly times: number;
  /** What it was made of the last time. */
  readonly steps: readonly ArrivedStep[];
}

/** Distances that must have been alike, the last ones; and by how much they may differ from the one in the middle. */
const gapsMin = 3;
const gapsMax = 8;
const differenceShareMax = 0.05;
const differenceMsMax = 10 * 60_000;
/** What comes more often than that needs no forecast: it is there. */
const everyMsMin = 10 * 60_000;

/**
 * Jobs of one title that came at equal distances: by a clock, as those of the night do. Others are not foretold: how
 * much comes is known from what came, but not when. One that is late by more than it ever was is not expected any more
 * until it comes again.
 */
export function recurringOf(arrivals: readonly Arrival[], now: number): Recurring[] {
  const named = Map.groupBy(arrivals, ({ project, spec }) => JSON.stringify([project, spec.title]));
  return [...named.values()].flatMap((group) => {
    const last = group.at(-1)!;
    const gaps = group.slice(1).map(({ at }, number) => at - group[number]!.at);
    const recent = gaps.slice(-gapsMax);
    if (recent.length < gapsMin || isPlanned(last)) return [];
    const everyMs = recent.toSorted((a, b) => a - b)[recent.length >> 1]!;
    const offMs = Math.max(...recent.map((gap) => Math.abs(gap - everyMs)));
    const allowedMs = Math.min(differenceMsMax, everyMs * differenceShareMax);
    const at = last.at + everyMs;
    if (everyMs < everyMsMin || offMs > allowedMs || now > at + allowedMs) return [];
    const { project, spec, steps } = last;
    return [{ project, title: spec.title, at, offMs, everyMs, times: group.length, steps }];
  });
}
