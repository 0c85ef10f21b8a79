import type { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { CanopyError } from "#/base/errors.ts";
import { gramsOfHour, type CarbonZoneRecord } from "#/model/carbon-zone.ts";
import type { CarbonZoneDetail, CarbonZoneView } from "#/model/carbon-views.ts";
import type { Space } from "#/space/space.ts";
import { instantOf, maybeInstant } from "./time.ts";
import { hourMs } from "#/model/units.ts";

/** The zone of that name. Throws "not-found". */
export function findZone(space: Space, name: string): CarbonZoneRecord {
  const zone = space.get("carbon-zone", name);
  if (zone) return zone;
  throw new CanopyError("not-found", `Cannot find the carbon zone '${name}'`, {
    hint: "See them all: canopy carbon",
  });
}

export function zoneViewOf(
  zones: CarbonZones,
  zone: CarbonZoneRecord,
  now: number,
): CarbonZoneView {
  const { name, spec, status } = zone;
  const ahead = hoursOf(zones, zone, now, 0, 24);
  const [first] = ahead.toSorted((a, b) => a.gramsPerKwh - b.gramsPerKwh);
  const last = status.firstHour + status.gramsPerKwh.length;
  return {
    name,
    isDefault: spec.isDefault,
    url: spec.url,
    hasToken: spec.sealed !== undefined,
    gramsPerKwhNow: zones.outlookOf(zone).gramsAt(Math.floor(now / hourMs)),
    cleanest: first && { at: first.at, gramsPerKwh: first.gramsPerKwh },
    knownUntil: status.gramsPerKwh.length > 0 ? instantOf(last * hourMs) : undefined,
    hoursKnown: status.gramsPerKwh.filter((grams) => grams !== null).length,
    askedAt: maybeInstant(status.askedAt),
    reason: status.reason,
  };
}

export function zoneDetailOf(
  zones: CarbonZones,
  zone: CarbonZoneRecord,
  now: number,
): CarbonZoneDetail {
  return { ...zoneViewOf(zones, zone, now), hours: hoursOf(zones, zone, now, -24, 48) };
}

function hoursOf(
  zones: CarbonZones,
  zone: CarbonZoneRecord,
  now: number,
  from: number,
  to: number,
): CarbonZoneDetail["hours"] {
  const { gramsAt } = zones.outlookOf(zone);
  const hour = Math.floor(now / hourMs);
  return Array.from({ length: to - from }, (_, at) => hour + from + at).flatMap((at) => {
    const grams = gramsAt(at);
    if (grams === undefined) return [];
    const isGiven = gramsOfHour(zone.status, at) !== undefined;
    return [
      {
        at: instantOf(at * hourMs),
        gramsPerKwh: Number(grams.toFixed(2)),
        from: isGiven ? ("given" as const) : ("forecast" as const),
      },
    ];
  });
}
