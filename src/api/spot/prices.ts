import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { CanopyError } from "#/base/errors.ts";
import { placeInHistory, spotHistory } from "#/instances/spot-history.ts";
import { zonesOf } from "#/instances/zones.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import { spotPriceView } from "#/model/instance-views.ts";
import { formatMicros } from "#/model/units.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { instantOf } from "../views/time.ts";

const instant = z.iso.datetime().transform((text) => Date.parse(text));

export const listSpotPrices = defineCall({
  summary: "List what spot instances have cost",
  description:
    "Changes of prices that were kept, the newest first: of a type, of a zone, and between two times when asked, with what was in force when the first of these began. They are kept for 90 days.",
  tag: "instances",
  role: "viewer",
  query: pageQuery.extend({
    type: z.string().max(100).optional(),
    zone: z.string().max(100).optional(),
    from: instant.optional(),
    to: instant.optional(),
  }),
  answer: pageOf(spotPriceView),
  errors: ["not-found"],
  run({ parts, query }) {
    const { space, clock } = parts;
    const { type, zone, limit, cursor } = query;
    if (type !== undefined && !instanceTypes.has(type))
      throw new CanopyError("not-found", `Cannot find the type '${type}'`, {
        hint: "See them: canopy instances types",
      });
    const zones = zone === undefined ? zonesOf(space).map(({ name }) => name) : [zone];
    const types = type === undefined ? [...instanceTypes.keys()] : [type];
    const now = clock.now();
    const { from = now - limits.spotPricesKeptMs, to = now } = query;
    const found = [];
    for (const change of spotHistory(space, { zones, types, from, to })) {
      if (cursor !== undefined && placeInHistory(change) <= cursor) continue;
      found.push(change);
      if (found.length > limit) break;
    }
    const items = found.slice(0, limit);
    const views = items.map(({ since, microsPerHour, ...one }) => ({
      ...one,
      since: instantOf(since),
      perHour: formatMicros(microsPerHour),
    }));
    return found.length > limit
      ? { items: views, next: placeInHistory(items.at(-1)!) }
      : { items: views };
  },
});
