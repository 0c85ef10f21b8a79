import { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { meterWith } from "#/meter/meter.ts";
import type { Meter } from "#/scheduler/session.ts";
import type { Moment } from "./moment.ts";

/** Forks of one moment share what is forecast of its power: it is forecast once, at that moment. */
const known = new WeakMap<Moment["zones"], CarbonZones>();

export function zonesOf({ zones, now }: Pick<Moment, "zones" | "now">): CarbonZones {
  let carbon = known.get(zones);
  if (carbon) return carbon;
  const byName = new Map(zones.map((zone) => [zone.name, zone]));
  const space = { get: (_: string, name: string) => byName.get(name), list: () => zones };
  carbon = new CarbonZones({ space, clock: { now: () => now } });
  known.set(zones, carbon);
  return carbon;
}

export function meterOf(moment: Moment): Meter {
  const carbon = zonesOf(moment);
  return meterWith((machine, from, to) => carbon.meanOf(machine, from, to));
}
