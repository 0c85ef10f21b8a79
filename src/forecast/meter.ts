import { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { meterWith } from "#/meter/meter.ts";
import type { Meter } from "#/scheduler/session.ts";
import type { Moment } from "./moment.ts";

/** Forks of one moment have one meter: what is forecast of the power is forecast once, at that moment. */
const meters = new WeakMap<Moment["zones"], Meter>();

export function meterOf({ zones, now }: Moment): Meter {
  let meter = meters.get(zones);
  if (meter) return meter;
  const byName = new Map(zones.map((zone) => [zone.name, zone]));
  const space = { get: (_: string, name: string) => byName.get(name), list: () => zones };
  const carbon = new CarbonZones({ space, clock: { now: () => now } });
  meter = meterWith((machine, from, to) => carbon.meanOf(machine, from, to));
  meters.set(zones, meter);
  return meter;
}
