import type { RecordOf } from "./record.ts";
import { instanceTypes } from "./instance-type.ts";
import { listMicrosPerHour } from "./instance-price.ts";

/** What spot instances of a zone cost in the course of a day, UTC: "us-east-1a/2026-11-23". */
export type SpotPricesRecord = RecordOf<"spot-prices", SpotPricesSpec, object>;

export interface SpotPricesSpec {
  /** Since when, on the wall clock, which share of the list price in percent: the oldest first. */
  points: readonly SpotPoint[];
}

export type SpotPoint = readonly [since: number, percent: number];

/** Spot instances of a type in the course of a day, UTC: "c.small/2026-11-23". */
export type SpotUseRecord = RecordOf<"spot-use", SpotUseSpec, object>;

export interface SpotUseSpec {
  /** So many began to run, and so many were taken away. */
  begun: number;
  taken: number;
}

/** The day of a time, UTC: "2026-11-23". */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Millionths of the currency an hour: never more than on demand. */
export function spotMicrosPerHour(type: string, percent: number): number {
  const known = instanceTypes.get(type);
  return known ? Math.round((listMicrosPerHour(known) * Math.min(100, percent)) / 100) : 0;
}
