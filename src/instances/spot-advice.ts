import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { listMicrosPerHour } from "#/model/instance-price.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import { dayOf } from "#/model/spot-market.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { meanPercent } from "./spot-history.ts";

/** How often spot instances of a type were taken away of late, and what was saved by them. */
export interface SpotAdvice {
  type: string;
  /** So many began to run in the last 30 days, and so many were taken away. */
  begun: number;
  taken: number;
  /** Of those that began: nine times in ten it lies between these. Undefined where too few are known. */
  frequency: { likely: number; low: number; high: number } | undefined;
  /** As AWS has it: "<5%", "5-10%", "10-15%", "15-20%", ">20%", or "unknown". */
  range: string;
  /** Of the price on demand, in the mean since `pricesSince`: 0.7 is 70 % less. Undefined where no price is known. */
  savingShare: number | undefined;
  pricesSince: number | undefined;
  microsPerHour: number;
}

/** Writes down, with what it comes from, that a spot instance has begun to run, or was taken away. */
export function countSpotUse(
  tx: Transaction,
  type: string,
  what: "begun" | "taken",
  now: number,
): void {
  const name = `${type}/${dayOf(now)}`;
  const before = tx.get("spot-use", name);
  const spec = before?.spec ?? { begun: 0, taken: 0 };
  const made = { kind: "spot-use" as const, project: "", name, status: {} };
  tx.put<"spot-use">({ ...(before ?? made), spec: { ...spec, [what]: spec[what] + 1 } });
}

/** What is known of the last 30 days, by type. */
export function spotAdvice(
  { space, clock }: { space: Pick<Space, "list">; clock: Pick<Clock, "now"> },
  types: readonly string[],
  zones: readonly string[],
): SpotAdvice[] {
  const to = clock.now();
  const from = to - limits.spotAdviceMs;
  const mean = meanPercent(space, zones, { from, to });
  return types.map((type) => {
    const days = [...space.list("spot-use", type)].filter(
      ({ name }) => name.slice(type.length + 1) >= dayOf(from),
    );
    const begun = days.reduce((sum, { spec }) => sum + spec.begun, 0);
    const taken = days.reduce((sum, { spec }) => sum + spec.taken, 0);
    const frequency = frequencyOf(taken, begun);
    return {
      type,
      begun,
      taken,
      frequency,
      range: frequency ? rangeOf(frequency.likely) : "unknown",
      savingShare: mean && 1 - mean.percent / 100,
      pricesSince: mean?.since,
      microsPerHour: listMicrosPerHour(instanceTypes.get(type)!),
    };
  });
}

/**
 * The score interval of a share (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22,
 * 1927), which is right for few and for none, too. Undefined below a number of runs of which nothing should be said.
 */
export function frequencyOf(taken: number, begun: number): SpotAdvice["frequency"] {
  if (begun < limits.spotRunsKnownMin) return undefined;
  // One that began before may be taken later: never more than all.
  const share = Math.min(1, taken / begun);
  const z = 1.645;
  const middle = (share + z ** 2 / (2 * begun)) / (1 + z ** 2 / begun);
  const apart =
    (z / (1 + z ** 2 / begun)) *
    Math.sqrt((share * (1 - share)) / begun + z ** 2 / (4 * begun ** 2));
  return { likely: share, low: Math.max(0, middle - apart), high: Math.min(1, middle + apart) };
}

function rangeOf(share: number): string {
  if (share < 0.05) return "<5%";
  if (share > 0.2) return ">20%";
  const from = Math.min(15, Math.floor(share * 20) * 5);
  return `${from}-${from + 5}%`;
}
