import { sealedForZone } from "#/autonomic/carbon/ask.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { isKept, withHours, type HourlyGrams } from "#/model/carbon-zone.ts";
import { carbonZoneDetail, carbonZoneInput, type CarbonZoneInput } from "#/model/carbon-views.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { defineCall } from "../call.ts";
import { carbonZoneParams, inProject } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { findZone, zoneDetailOf } from "../views/carbon.ts";
import { hourMs } from "#/model/units.ts";

export const setCarbonZone = defineCall({
  summary: "Say how clean the electricity of a zone is",
  description:
    "Gives intensities of hours, which are laid over those that are known, or says who is asked for them. What is absent stays as it is. Sixty days are kept, and two weeks ahead: hours ahead count as a forecast, and where there is none the past is one.",
  tag: "carbon",
  role: "root",
  params: carbonZoneParams,
  query: inProject,
  body: carbonZoneInput,
  answer: carbonZoneDetail,
  revision: "expected",
  errors: ["no-space", "limited"],
  async run({ parts, params, body, request, reply }) {
    const { space, clock, access, zones } = parts;
    const { zone: name } = params;
    const nowHour = Math.floor(clock.now() / hourMs);
    const hours = hoursOf(name, body.hours, nowHour);
    const committed = space.commit((tx) => {
      const before = tx.get("carbon-zone", name);
      requireRevision(request, before);
      if (!before) mustHaveRoom(space);
      const spec = before?.spec;
      const { url = spec?.url, token, isDefault = spec?.isDefault ?? false } = body;
      const sealed = token === undefined ? spec?.sealed : access.seal(token, sealedForZone(name));
      if (isDefault) takeDefault(tx, space, name);
      const { askedAt: _askedAt, reason: _reason, ...status } = before?.status ?? {};
      return tx.put<"carbon-zone">({
        kind: "carbon-zone",
        project: "",
        name,
        spec: {
          createdAt: spec?.createdAt ?? clock.now(),
          isDefault,
          ...(url && { url }),
          ...(url && sealed !== undefined && { sealed }),
        },
        status: { ...status, ...withHours(before?.status, hours, nowHour) },
      });
    });
    await committed.durable;
    const zone = findZone(space, name);
    tellRevision(reply, zone);
    return zoneDetailOf(zones, zone, clock.now());
  },
});

function hoursOf(name: string, given: CarbonZoneInput["hours"], nowHour: number): HourlyGrams {
  const hours = new Map(
    given?.map(({ at, gramsPerKwh }) => [Math.floor(Date.parse(at) / hourMs), gramsPerKwh]),
  );
  if (hours.size === 0 || [...hours.keys()].some((hour) => isKept(hour, nowHour))) return hours;
  const [first, last] = [given!.at(0)!.at, given!.at(-1)!.at];
  throw new CanopyError(
    "invalid",
    `Cannot take intensities of ${name} as one must be of the last ${limits.carbonPastHoursMax / 24} days or the next ${limits.carbonAheadHoursMax / 24}: they are of ${first} to ${last}`,
  );
}

function mustHaveRoom(space: Space): void {
  if (space.count("carbon-zone") < limits.carbonZonesMax) return;
  throw new CanopyError(
    "limited",
    `Cannot add a carbon zone as there must be at most ${limits.carbonZonesMax}: there are as many`,
    { hint: "Remove one: canopy carbon remove" },
  );
}

/** There is one default. */
function takeDefault(tx: Transaction, space: Space, name: string): void {
  for (const other of space.list("carbon-zone")) {
    if (!other.spec.isDefault || other.name === name) continue;
    tx.put<"carbon-zone">({ ...other, spec: { ...other.spec, isDefault: false } });
  }
}
