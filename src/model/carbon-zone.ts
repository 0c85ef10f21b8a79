import { limits } from "#/base/limits.ts";
import type { RecordOf } from "./record.ts";
import { hourMs } from "./units.ts";

/**
 * How clean the electricity of one region is, hour by hour. Machines and offers are in the zone that their
 * label `carbon-zone` names; those without one are in the zone that is the default, if any is.
 */
export type CarbonZoneRecord = RecordOf<"carbon-zone", CarbonZoneSpec, CarbonZoneStatus>;

export interface CarbonZoneSpec {
  readonly createdAt: number;
  /** Of everything of which nobody says where it is, nor how clean its power is. */
  readonly isDefault: boolean;
  /** Where intensities are asked for; only what is given counts when absent. `{now}` stands for this minute. */
  readonly url?: string;
  /** The header `auth-token` of those calls, sealed by `Access.seal`. */
  readonly sealed?: string;
}

export interface CarbonZoneStatus {
  /** The hour of the first of `gramsPerKwh`, in hours since 1970 UTC. */
  readonly firstHour: number;
  /**
   * Mean intensity of each hour in gCO2eq/kWh, null where nobody said. Hours that have not passed are what
   * was forecast for them by whoever gave them.
   */
  readonly gramsPerKwh: readonly (number | null)[];
  /** When the URL was last asked. */
  readonly askedAt?: number;
  /** Why that gave nothing, in the words of who was asked. */
  readonly reason?: string;
}

/** The label of machines and offers that names their zone. */
export const carbonZoneLabel = "carbon-zone";

/** Mean intensities by hour since 1970 UTC. */
export type HourlyGrams = ReadonlyMap<number, number>;

/** The intensity that is known of an hour: measured, or forecast by who gave it. */
export function gramsOfHour(status: CarbonZoneStatus, hour: number): number | undefined {
  return status.gramsPerKwh[hour - status.firstHour] ?? undefined;
}

/** What is known with `hours` laid over it; bounded to so much before and after `nowHour`. */
export function withHours(
  before: CarbonZoneStatus | undefined,
  hours: HourlyGrams,
  nowHour: number,
): Pick<CarbonZoneStatus, "firstHour" | "gramsPerKwh"> {
  const known = new Map<number, number>();
  for (const [at, grams] of before?.gramsPerKwh.entries() ?? [])
    if (grams !== null) known.set(before!.firstHour + at, grams);
  for (const [hour, grams] of hours) known.set(hour, Number(grams.toFixed(2)));
  const kept = [...known.keys()].filter((hour) => isKept(hour, nowHour));
  if (kept.length === 0) return { firstHour: nowHour, gramsPerKwh: [] };
  const firstHour = kept.reduce((least, hour) => Math.min(least, hour));
  const last = kept.reduce((most, hour) => Math.max(most, hour));
  return {
    firstHour,
    gramsPerKwh: Array.from(
      { length: last - firstHour + 1 },
      (_, at) => known.get(firstHour + at) ?? null,
    ),
  };
}

export function isKept(hour: number, nowHour: number): boolean {
  return (
    hour >= nowHour - limits.carbonPastHoursMax && hour <= nowHour + limits.carbonAheadHoursMax
  );
}

/**
 * The mean intensity from one instant to another, in gCO2eq/kWh; `gramsAt` gives that of an hour. Undefined
 * as soon as that of one hour is not known.
 */
export function meanGrams(
  gramsAt: (hour: number) => number | undefined,
  fromMs: number,
  toMs: number,
): number | undefined {
  const first = Math.floor(fromMs / hourMs);
  const last = Math.max(first, Math.ceil(toMs / hourMs) - 1);
  if (first === last) return gramsAt(first);
  let sum = 0;
  for (let hour = first; hour <= last; hour++) {
    const grams = gramsAt(hour);
    if (grams === undefined) return undefined;
    const ms = Math.min(toMs, (hour + 1) * hourMs) - Math.max(fromMs, hour * hourMs);
    sum += grams * ms;
  }
  return sum / (toMs - fromMs);
}
