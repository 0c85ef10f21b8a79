import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CarbonForecaster } from "#/planning/carbon/forecast.ts";
import { decideShift, type ShiftDecision } from "#/planning/carbon/shift.ts";
import type { BenchOptions, Report } from "./figures.ts";

const grids = { california: "US-CAL-CISO-2022.csv", norway: "NO-2022.csv" };
const workHours = 24;
const windowHours = 48;
/** A twelfth of the year. */
const monthHours = 730;

/** Grams of each way to do the same work from one start. */
interface Start {
  atOnce: number;
  oracle: number;
  yesterday: number;
  ours: number;
}

/**
 * 24 hours of work that may be interrupted, in a window of 48 hours, from every hour of a year at which such
 * a window begins. Ours knows at each hour what the hours before were, and nothing of this one and those to
 * come; its forecaster begins the year knowing nothing. No way to decide that waits at all can promise to be
 * never worse than starting at once, as hours to come may all be dirtier than this one: how often ours is, and
 * by how much in the mean and at most, is among the figures. Savings are against starting at once, as the mean
 * over the starts of each one's share.
 */
export async function benchPlanCarbon({ data, say }: BenchOptions): Promise<Report> {
  const figures: Record<string, number> = {};
  const yesterday: Record<string, number> = {};
  const begun = performance.now();
  let decisions = 0;
  for (const [grid, file] of Object.entries(grids)) {
    say(`plan-carbon: every start of the year, ${grid}`);
    const grams = readIntensities(join(data!, "carbon", file));
    const forecasts = forecastsOf(grams);
    const starts: Start[] = [];
    for (let start = 0; start + windowHours <= grams.length; start++)
      starts.push(oneStart(grams, forecasts, start));
    decisions += starts.length * windowHours;
    const oraclePercent = meanSavingPercent(starts, "oracle");
    const oursPercent = meanSavingPercent(starts, "ours");
    const worse = starts.filter(({ ours, atOnce }) => ours > atOnce * (1 + 1e-9));
    figures[`${grid}Starts`] = starts.length;
    figures[`${grid}OracleSavingPercent`] = oraclePercent;
    figures[`${grid}SavingPercent`] = oursPercent;
    figures[`${grid}OfOraclePercent`] = (100 * oursPercent) / oraclePercent;
    figures[`${grid}OfOracleGramsPercent`] =
      (100 * saved(starts, "ours")) / saved(starts, "oracle");
    figures[`${grid}OfOracleAfterJanuaryPercent`] =
      (100 * meanSavingPercent(starts.slice(31 * 24), "ours")) /
      meanSavingPercent(starts.slice(31 * 24), "oracle");
    figures[`${grid}StartsWorseThanAtOnce`] = worse.length;
    figures[`${grid}WorseThanAtOnceMeanPercent`] =
      worse.length === 0 ? 0 : -meanSavingPercent(worse, "ours");
    figures[`${grid}WorseThanAtOnceMostPercent`] = Math.max(
      0,
      ...worse.map(({ ours, atOnce }) => 100 * (ours / atOnce - 1)),
    );
    figures[`${grid}WorstMonthSavingPercent`] = Math.min(
      ...Array.from({ length: 12 }, (_, month) =>
        meanSavingPercent(starts.slice(month * monthHours, (month + 1) * monthHours), "ours"),
      ),
    );
    yesterday[`${grid}SavingPercent`] = meanSavingPercent(starts, "yesterday");
    yesterday[`${grid}OfOraclePercent`] =
      (100 * yesterday[`${grid}SavingPercent`]!) / oraclePercent;
    yesterday[`${grid}StartsWorseThanAtOnce`] = starts.filter(
      (one) => one.yesterday > one.atOnce * (1 + 1e-9),
    ).length;
  }
  figures["tookMs"] = performance.now() - begun;
  figures["perDecisionUs"] = (1000 * figures["tookMs"]) / decisions;
  return {
    bench: "plan-carbon",
    figures,
    targets: { californiaOfOraclePercent: 97, norwayOfOraclePercent: 40 },
    peers: { "yesterday as forecast": yesterday },
    ratios: {},
  };
}

/** Whole hours in order, in gCO2eq/kWh. */
function readIntensities(path: string): number[] {
  const [, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => Number(line.split(",")[1]));
}

/** For each hour, what is forecast when it begins. */
function forecastsOf(grams: number[]): Told[] {
  const forecaster = new CarbonForecaster(windowHours);
  return grams.map((value, hour) => {
    const forecast = forecaster.forecast(windowHours);
    const margins = forecaster.margins(windowHours);
    forecaster.observe(hour, value);
    return { forecast, margins };
  });
}

interface Told {
  forecast: number[] | undefined;
  margins: number[];
}

function oneStart(grams: number[], forecasts: Told[], start: number): Start {
  const window = grams.slice(start, start + windowHours);
  const cheapest = (by: number[]) =>
    by
      .map((value, hour) => ({ value, hour }))
      .toSorted((a, b) => a.value - b.value || a.hour - b.hour)
      .slice(0, workHours)
      .reduce((sum, { hour }) => sum + window[hour]!, 0);
  // The day before the start, twice; on the first day of all nothing is known.
  const dayBefore = window.map((_, hour) => grams[start - 24 + (hour % 24)] ?? 0);
  return {
    atOnce: window.slice(0, workHours).reduce((sum, value) => sum + value, 0),
    oracle: cheapest(window),
    yesterday: cheapest(dayBefore),
    ours: planned(window, forecasts, start),
  };
}

function planned(window: number[], forecasts: Told[], start: number): number {
  let left = workHours;
  let grams = 0;
  let running = false;
  for (let hour = 0; hour < windowHours && left > 0; hour++) {
    const hoursLeft = windowHours - hour;
    const { forecast, margins } = forecasts[start + hour]!;
    const decision: ShiftDecision = decideShift(
      { workHours: left, windowHours: hoursLeft, running, restartHours: 0 },
      forecast?.slice(0, hoursLeft),
      margins,
    );
    running = decision.run;
    if (!running) continue;
    grams += window[hour]!;
    left--;
  }
  if (left > 0) throw new Error(`plan-carbon: the work from hour ${start} was late`);
  return grams;
}

function meanSavingPercent(starts: Start[], way: keyof Start): number {
  const sum = starts.reduce((total, start) => total + 1 - start[way] / start.atOnce, 0);
  return (100 * sum) / starts.length;
}

/** Grams over all starts. */
function saved(starts: Start[], way: keyof Start): number {
  return starts.reduce((total, start) => total + start.atOnce - start[way], 0);
}
