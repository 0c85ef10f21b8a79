import { carbonZoneView } from "#/model/carbon-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { zoneViewOf } from "../views/carbon.ts";

export const listCarbonZones = defineCall({
  summary: "List carbon zones",
  description:
    "How clean the electricity of each is now, and the cleanest of the next 24 hours, as it was given or is forecast from its past. A machine or an offer is in the zone that its label `carbon-zone` names, else in the default one.",
  tag: "carbon",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(carbonZoneView),
  run({ parts, query }) {
    const { space, zones, clock } = parts;
    const { limit, cursor } = query;
    const found = [...space.list("carbon-zone")]
      .filter(({ name }) => cursor === undefined || name > cursor)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const now = clock.now();
    const items = found.slice(0, limit).map((zone) => zoneViewOf(zones, zone, now));
    return found.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
