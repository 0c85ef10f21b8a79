import { CanopyError } from "#/base/errors.ts";

/** Work that may be interrupted and must be done in time. */
export interface ShiftableWork {
  /** Hours of running that are left. */
  workHours: number;
  /** Whole hours from now to the deadline. */
  windowHours: number;
  /** Whether it runs now. */
  running: boolean;
  /** Hours of running that each start costs on top: what was not saved is done again. */
  restartHours: number;
  /** Once it runs, it runs to its end. */
  isWhole?: boolean;
}

/** What to do in the hour that begins now, and the numbers that say why. */
export interface ShiftDecision {
  run: boolean;
  why: {
    reason: "no-slack" | "no-forecast" | "under-way" | "cleaner-now" | "cleaner-later";
    /** Whole hours that may still be waited. */
    slackHours: number;
    /** Forecast for this hour; undefined without a forecast. */
    gramsPerKwhNow: number | undefined;
    /** The dirtiest hour of the plan; running now pays up to about here. */
    gramsPerKwhLimit: number | undefined;
    /** What the plan is expected to emit less than running from now on without a pause, from 0 to 1. */
    savingShare: number | undefined;
    /** The plan itself: for each hour from now on, whether it runs. */
    runsInHour: boolean[] | undefined;
  };
}

/**
 * Whether to run in the coming hour or to wait for cleaner ones. `forecast` is in gCO2eq/kWh, this hour first;
 * without one, or where there is nothing to wait with, it runs. The plan is the best one for the forecast; it
 * is made again each hour with a newer forecast, so only its first hour counts. `margins` are added to the
 * forecast before it is compared: how much cleaner a later hour must be to be worth the risk that it is not.
 *
 * Never late: it waits only if all that is left, a restart included, still fits after this hour. By the
 * forecast, it never emits more than running at once; when the forecast is wrong, it may.
 *
 * Throws CanopyError "invalid" when there is no work, or the window is not whole hours.
 */
export function decideShift(
  work: ShiftableWork,
  forecast: readonly number[] | undefined,
  margins: readonly number[] = [],
): ShiftDecision {
  const { workHours, windowHours, restartHours } = work;
  mustBe("workHours", "above 0", workHours > 0, workHours);
  mustBe("restartHours", "at least 0", restartHours >= 0, restartHours);
  mustBe("windowHours", "whole hours", Number.isInteger(windowHours), windowHours);
  const slackHours = Math.floor(windowHours - workHours - restartHours);
  const known = forecast !== undefined && forecast.length >= windowHours;
  if (slackHours < 1 || !known) {
    const reason = slackHours < 1 ? "no-slack" : "no-forecast";
    return { run: true, why: whyWithout(reason, slackHours, forecast?.[0]) };
  }
  if (work.running && work.isWhole)
    return { run: true, why: whyWithout("under-way", slackHours, forecast[0]) };
  const cautious = forecast.map((grams, hour) => grams + (margins[hour] ?? 0));
  const runsInHour = work.isWhole ? planWhole(work, cautious) : planShift(work, cautious);
  const run = runsInHour[0]!;
  const planned = forecast.filter((_, hour) => runsInHour[hour]);
  const atOnce = sum(forecast.slice(0, Math.ceil(workHours)));
  return {
    run,
    why: {
      reason: run ? "cleaner-now" : "cleaner-later",
      slackHours,
      gramsPerKwhNow: forecast[0],
      gramsPerKwhLimit: Math.max(...planned),
      savingShare: atOnce > 0 ? 1 - sum(planned) / atOnce : 0,
      runsInHour,
    },
  };
}

/**
 * The hours to run in so that the least is emitted, by dynamic programming over the hours, the work left and
 * whether it runs. Every start adds `restartHours` at the intensity of its hour. On a tie it runs earlier.
 */
function planShift(work: ShiftableWork, forecast: number[]): boolean[] {
  const { windowHours, restartHours } = work;
  const workHours = Math.ceil(work.workHours);
  if (restartHours === 0) return cleanest(forecast.slice(0, windowHours), workHours);
  const width = workHours + 1;
  // grams[(hour × 2 + running) × width + work left]: the least from that hour on.
  const grams = new Float64Array((windowHours + 1) * 2 * width).fill(Infinity);
  const at = (hour: number, running: number, left: number) => (hour * 2 + running) * width + left;
  const ifRun = (hour: number, running: number, left: number) =>
    forecast[hour]! * (running ? 1 : 1 + restartHours) + grams[at(hour + 1, 1, left - 1)]!;
  for (let hour = windowHours; hour >= 0; hour--) {
    for (const running of [0, 1]) {
      grams[at(hour, running, 0)] = 0;
      for (let left = 1; left <= Math.min(workHours, windowHours - hour); left++)
        grams[at(hour, running, left)] = Math.min(
          ifRun(hour, running, left),
          grams[at(hour + 1, 0, left)]!,
        );
    }
  }
  const plan: boolean[] = [];
  let left = workHours;
  let running = work.running ? 1 : 0;
  for (let hour = 0; hour < windowHours; hour++) {
    const runs = left > 0 && ifRun(hour, running, left) <= grams[at(hour + 1, 0, left)]!;
    plan.push(runs);
    if (runs) left--;
    running = runs ? 1 : 0;
  }
  return plan;
}

/** Where starting costs nothing: so many of the cleanest hours. */
function cleanest(forecast: readonly number[], hours: number): boolean[] {
  const order = forecast
    .map((_, hour) => hour)
    .sort((a, b) => forecast[a]! - forecast[b]! || a - b);
  const runs = new Set(order.slice(0, hours));
  return forecast.map((_, hour) => runs.has(hour));
}

/** The cleanest hours in a row; of equal ones the earliest. */
function planWhole({ workHours, windowHours }: ShiftableWork, forecast: number[]): boolean[] {
  const hours = Math.ceil(workHours);
  let grams = sum(forecast.slice(0, hours));
  let best = 0;
  let least = grams;
  for (let begin = 1; begin + hours <= windowHours; begin++) {
    grams += forecast[begin + hours - 1]! - forecast[begin - 1]!;
    if (grams >= least - least * Number.EPSILON * windowHours) continue;
    least = grams;
    best = begin;
  }
  return Array.from({ length: windowHours }, (_, hour) => hour >= best && hour < best + hours);
}

function whyWithout(
  reason: "no-slack" | "no-forecast" | "under-way",
  slackHours: number,
  gramsPerKwhNow: number | undefined,
): ShiftDecision["why"] {
  return {
    reason,
    slackHours: Math.max(0, slackHours),
    gramsPerKwhNow,
    gramsPerKwhLimit: undefined,
    savingShare: undefined,
    runsInHour: undefined,
  };
}

function mustBe(name: string, rule: string, holds: boolean, value: number): void {
  if (!holds)
    throw new CanopyError(
      "invalid",
      `Cannot plan the hours of the work as '${name}' must be ${rule}: current value is ${value}`,
    );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
