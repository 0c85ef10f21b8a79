import { stretchesOf, type AvailabilityHistory } from "./availability.ts";
import { hourMs } from "#/model/units.ts";

/**
 * How likely a stretch of availability, or of its lack, is to end, by how long it has lasted: rates per hour
 * for each age class. Stretches have heavy tails: what has lasted for hours tends to last, and what has just
 * begun flickers. So age is what tells most of what comes, and a semi-Markov model by age class holds it.
 */
export interface Hazards {
  available: Float64Array;
  unavailable: Float64Array;
}

/** Lower bounds of the age classes, in hours. The last one has no upper bound. */
export const ageClassHours = [0, 1 / 12, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 1, 3, 8, 24] as const;
const classes = ageClassHours.length;

export function ageClassOf(ageHours: number): number {
  let found = classes - 1;
  while (ageHours < ageClassHours[found]!) found--;
  return found;
}

/**
 * Rates are ends seen over hours seen in each class (the maximum-likelihood estimate for right-censored times
 * with a piecewise constant hazard), with one imagined end in each class so that a zone of which little is
 * known has rates too: 1 / (1 h + age), which takes no length of stretch for more likely than its double.
 */
export function learnHazards(history: AvailabilityHistory): Hazards {
  const ends = { available: new Float64Array(classes), unavailable: new Float64Array(classes) };
  const hours = { available: new Float64Array(classes), unavailable: new Float64Array(classes) };
  for (const { fromMs, toMs, available, ended } of stretchesOf(history)) {
    const side = available ? "available" : "unavailable";
    const lastedHours = (toMs - fromMs) / hourMs;
    for (let age = 0; age < classes; age++)
      hours[side][age]! += Math.max(0, Math.min(lastedHours, upTo(age)) - ageClassHours[age]!);
    if (ended) ends[side][ageClassOf(lastedHours)]! += 1;
  }
  const rates = (side: "available" | "unavailable") =>
    ends[side].map((count, age) => (count + 1) / (hours[side][age]! + 1 + middleHours(age)));
  return { available: rates("available"), unavailable: rates("unavailable") };
}

/** How many hours more a stretch is expected to last that has lasted so long. */
export function expectedHours(rates: Float64Array, ageHours: number): number {
  let hours = 0;
  let survives = 1;
  for (let age = ageClassOf(ageHours); age < classes; age++) {
    const rate = rates[age]!;
    const width = upTo(age) - Math.max(ageHours, ageClassHours[age]!);
    const survivesClass = Math.exp(-rate * width);
    hours += (survives * (1 - survivesClass)) / rate;
    survives *= survivesClass;
  }
  return hours;
}

/** The chance that a stretch that has lasted so long lasts for so many hours more. */
export function survivalChance(rates: Float64Array, ageHours: number, hours: number): number {
  let ends = 0;
  for (let age = ageClassOf(ageHours); age < classes; age++) {
    const from = Math.max(ageHours, ageClassHours[age]!);
    ends += rates[age]! * Math.max(0, Math.min(ageHours + hours, upTo(age)) - from);
  }
  return Math.exp(-ends);
}

/** Where an age class ends, in hours. */
export function upTo(age: number): number {
  return ageClassHours[age + 1] ?? Infinity;
}

/** An age in the middle of its class, in hours. */
export function middleHours(age: number): number {
  const from = ageClassHours[age]!;
  return age === classes - 1 ? 1.5 * from : (from + upTo(age)) / 2;
}
