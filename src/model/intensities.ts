import { CanopyError } from "#/base/errors.ts";
import type { HourlyGrams } from "./carbon-zone.ts";
import { hourMs } from "./units.ts";

/** An intensity in gCO2eq/kWh, from an instant on. */
interface Reading {
  at: number;
  grams: number;
}

/**
 * Reads a table of intensities: a line for each hour or part of one, its time first and gCO2eq/kWh second,
 * separated by a comma; what is more on a line is passed over. A first line without a number is a heading.
 * Times are RFC 3339, or as in "2022-01-01 00:00:00" and then UTC. Throws "invalid" with the line at fault.
 */
export function intensitiesOfCsv(text: string, file: string): HourlyGrams {
  const readings: Reading[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [time = "", grams = ""] = line.split(",").map((part) => part.trim().replaceAll('"', ""));
    if (index === 0 && (grams === "" || Number.isNaN(Number(grams)))) continue;
    const reading = { at: instantOf(time), grams: grams === "" ? Number.NaN : Number(grams) };
    if (!isSound(reading))
      throw new CanopyError(
        "invalid",
        `Cannot read intensities as each line must be a time and gCO2eq/kWh: line ${index + 1} is '${line.slice(0, 80)}'`,
        {
          place: { file, line: index + 1, column: 1 },
          hint: "Write lines like 2026-11-23T02:00:00Z,187.5",
        },
      );
    readings.push(reading);
  }
  return byHour(readings);
}

/**
 * Reads what a public service answers: Electricity Maps' `carbon-intensity/latest`, `/history`, `/past-range`
 * and `/forecast` (entries of `datetime` and `carbonIntensity`), and the Carbon Intensity API of Great
 * Britain (entries of `from` and `intensity`, of which the actual one goes before the forecast).
 * Throws "invalid" where it is neither.
 */
export function intensitiesOfAnswer(answer: unknown): HourlyGrams {
  const readings = entriesOf(answer).flatMap((entry) => readingOf(entry) ?? []);
  if (readings.length > 0) return byHour(readings);
  throw new CanopyError(
    "invalid",
    "Cannot read intensities as the answer must be as of Electricity Maps or the Carbon Intensity API: it has none of their entries",
  );
}

/** The entries, wherever they stand: alone, as a list, or as a list under "history", "forecast" or "data", also of a region. */
function entriesOf(answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer;
  if (typeof answer !== "object" || answer === null) return [];
  const { history, forecast, data } = answer as Record<string, unknown>;
  for (const found of [history, forecast, data])
    if (typeof found === "object" && found !== null) return entriesOf(found);
  return [answer];
}

function readingOf(entry: unknown): Reading | undefined {
  const { datetime, carbonIntensity, from, intensity } = (entry ?? {}) as Record<string, unknown>;
  const { actual, forecast } = (intensity ?? {}) as Record<string, unknown>;
  const reading = {
    at: instantOf(String(datetime ?? from)),
    grams: numberOf(carbonIntensity ?? actual ?? forecast),
  };
  return isSound(reading) ? reading : undefined;
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

function instantOf(text: string): number {
  const isZoned = /(Z|[+-]\d\d:?\d\d)$/i.test(text);
  return /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)
    ? Date.parse(`${text.replace(" ", "T")}${isZoned ? "" : "Z"}`)
    : Number.NaN;
}

function isSound({ at, grams }: Reading): boolean {
  return Number.isFinite(at) && grams >= 0 && grams <= gramsMax;
}

/** Above what any fuel gives. */
const gramsMax = 10_000;

/** Half hours, and what else is within one hour, as their mean. */
function byHour(readings: readonly Reading[]): HourlyGrams {
  const hours = Map.groupBy(readings, ({ at }) => Math.floor(at / hourMs));
  return new Map(
    [...hours].map(([hour, of]) => [
      hour,
      of.reduce((sum, { grams }) => sum + grams, 0) / of.length,
    ]),
  );
}
