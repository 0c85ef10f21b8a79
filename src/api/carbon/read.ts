import { carbonZoneDetail } from "#/model/carbon-views.ts";
import { defineCall } from "../call.ts";
import { carbonZoneParams, inProject } from "../params.ts";
import { tellRevision } from "../revisions.ts";
import { findZone, zoneDetailOf } from "../views/carbon.ts";

export const readCarbonZone = defineCall({
  summary: "Read a carbon zone",
  description: "With its hours from a day ago to two days ahead, and which of them are forecast.",
  tag: "carbon",
  role: "viewer",
  params: carbonZoneParams,
  query: inProject,
  answer: carbonZoneDetail,
  revision: "told",
  errors: ["not-found"],
  run({ parts, params, reply }) {
    const zone = findZone(parts.space, params.zone);
    tellRevision(reply, zone);
    return zoneDetailOf(parts.zones, zone, parts.clock.now());
  },
});
