import { limits } from "#/base/limits.ts";
import { decideShift } from "#/planning/carbon/shift.ts";
import { partsOf, type Load } from "./loads.ts";

/** Work that may wait, at one moment. */
export interface Waiting {
  /** Wall clock: what is known of intensities is by it. */
  readonly now: number;
  /** Until the deadline, by a clock that nobody sets. */
  readonly leftMs: number;
  /** What the machines need for all that is left, as much as it may well be. */
  readonly workMs: number;
  readonly loads: readonly Load[] | undefined;
  readonly isRunning: boolean;
  /** Once it runs it runs to its end: its tasks are long, or machines are bought for it. */
  readonly isWhole: boolean;
}

export interface When {
  readonly run: boolean;
  readonly reason: "no-slack" | "no-forecast" | "under-way" | "cleaner-now" | "cleaner-later";
  /** It looks at time in parts of that; what was decided holds for one. */
  readonly partMs: number;
  /** Wall clock at which it next goes on; now when it runs. */
  readonly until: number;
  /** Until when it runs in all, pauses included. */
  readonly ends: number;
  /** How much less CO2 than going on without a pause, by the forecast. */
  readonly savingShare: number;
  readonly gramsPerKwhNow: number | undefined;
  /** Mean of the parts in which it is to run. */
  readonly gramsPerKwhThen: number | undefined;
  /** With no more time than that until its deadline it would have gone on. Takes some milliseconds. */
  leftMsMax(): number;
  /** With power no dirtier than that now it would have gone on; undefined for what is done in one piece. */
  readonly gramsPerKwhMax: number | undefined;
}

const partLengthsMs = [1, 5, 15, 60, 5 * 60, 15 * 60, 60 * 60].map((seconds) => seconds * 1000);
/** Kept back of the time until the deadline, beside what run times may well be. */
const reserveShare = 0.1;
const reserveMsMin = 2 * limits.goalLookMs;

/**
 * Whether work goes on now or waits for cleaner power, by the forecast of the machines that do it: a pure
 * function. Asked again for every part of time, as work is done and forecasts change; never so late that the
 * deadline could be missed with run times as high as they may well be and a tenth more.
 */
export function decideWhen(waiting: Waiting): When {
  const { now, leftMs, workMs, loads, isRunning, isWhole } = waiting;
  const windowMs = leftMs - Math.max(reserveMsMin, workMs * reserveShare);
  const partMs =
    partLengthsMs.find((ms) => windowMs / ms <= limits.shiftSlotsMax) ??
    windowMs / limits.shiftSlotsMax;
  const workHours = Math.max(1, workMs) / partMs;
  const bounds = boundsOf(now, now + windowMs, partMs);
  const windowHours = bounds.length - 1;
  const parts = loads && partsOf(loads, bounds);
  const decide = (window: number) =>
    decideShift(
      { workHours, windowHours: window, running: isRunning, restartHours: 0, isWhole },
      parts?.grams.slice(0, window),
      parts?.margins,
    );
  const { run, why } = decide(windowHours);
  const runs = why.runsInHour ?? [];
  const isWorth = !run && (why.savingShare ?? 0) >= limits.shiftSavingMin;
  const first = runs.indexOf(true);
  const then =
    parts && runs.length > 0 ? meanOf(parts.grams.filter((_, at) => runs[at])) : undefined;
  const planned = {
    partMs,
    gramsPerKwhNow: why.gramsPerKwhNow,
    gramsPerKwhMax: isWhole ? undefined : why.gramsPerKwhLimit,
    ends: isWorth ? bounds[runs.lastIndexOf(true) + 1]! : now + workMs,
  };
  if (!isWorth)
    return {
      ...planned,
      run: true,
      reason: run ? why.reason : "cleaner-now",
      until: now,
      savingShare: Math.max(0, run ? (why.savingShare ?? 0) : 0),
      gramsPerKwhThen: then,
      leftMsMax: () => leftMs,
    };
  return {
    ...planned,
    run: false,
    reason: "cleaner-later",
    until: bounds[first]!,
    savingShare: why.savingShare!,
    gramsPerKwhThen: then,
    leftMsMax: () => leftMs - (windowHours - largestThatRuns(windowHours, decide)) * partMs,
  };
}

/** Parts lie as hours do: the first is what is left of the one that has begun, and the last is whole. */
function boundsOf(now: number, end: number, partMs: number): number[] {
  const bounds = [now];
  for (let at = (Math.floor(now / partMs) + 1) * partMs; at <= end; at += partMs) bounds.push(at);
  return bounds;
}

/** The longest window, in parts, in which it would not have waited. */
function largestThatRuns(
  windowHours: number,
  decide: (window: number) => { run: boolean; why: { savingShare: number | undefined } },
): number {
  for (let window = windowHours - 1; window > 0; window--) {
    const { run, why } = decide(window);
    if (run || (why.savingShare ?? 0) < limits.shiftSavingMin) return window;
  }
  return 0;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
