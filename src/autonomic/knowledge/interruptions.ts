import { standardNormal } from "#/planning/normal.ts";

/** Machines that were there, and how many of them their site took away. */
export interface Exposure {
  readonly hours: number;
  readonly taken: number;
}

/** Expected interruptions in an hour; it lies between low and high nine times in ten. */
export interface Rate {
  readonly perHour: number;
  readonly low: number;
  readonly high: number;
}

/** Of a spot machine of which nobody says how often it is taken away: half of them within a day. */
const perHourUnknown = 0.03;
/** What a site says counts as if so many interruptions had been seen. */
const statedEvents = 2;
/** A site that never takes machines away is believed until it has done it so often. */
const neverUntil = 2;

/**
 * How often machines of an offer are taken away. Interruptions come at a constant rate: with a gamma prior on it,
 * the posterior is a gamma distribution again (A. Gelman et al., "Bayesian Data Analysis", 3rd ed.,
 * section 2.6). The prior's mean is what the site says, times what the whole zone showed against what was said of it:
 * machines of one zone are taken away together.
 */
export function rateOf(
  { hours, taken }: Exposure,
  stated: number | undefined,
  zone: { expected: number; taken: number } = { expected: 0, taken: 0 },
): Rate {
  if (stated === 0 && taken < neverUntil) return { perHour: 0, low: 0, high: 0 };
  const factor = (statedEvents + zone.taken) / (statedEvents + zone.expected);
  const prior = Math.max(stated ?? perHourUnknown, 1e-6) * (stated === 0 ? 1 : factor);
  // Of one that was said to be never taken away the word counts for nothing any more.
  const shape = (stated === 0 ? 0 : statedEvents) + taken;
  const scale = (stated === 0 ? 0 : statedEvents / prior) + hours;
  const quantile = (p: number) => gammaQuantile(shape, p) / Math.max(scale, 1e-9);
  return { perHour: shape / Math.max(scale, 1e-9), low: quantile(0.05), high: quantile(0.95) };
}

/** What is expected of machines of an offer of which so many hours were seen, by what was said of it. */
export function expectedOf(hours: number, stated: number | undefined): number {
  return hours * (stated ?? perHourUnknown);
}

/** By E. B. Wilson and M. M. Hilferty ("The distribution of chi-square", PNAS 17, 1931). */
function gammaQuantile(shape: number, p: number): number {
  const part = 1 / (9 * shape);
  return shape * Math.max(0, 1 - part + standardNormal.quantile(p) * Math.sqrt(part)) ** 3;
}
