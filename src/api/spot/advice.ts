import { z } from "zod";
import { spotAdvice } from "#/instances/spot-advice.ts";
import { zonesOf } from "#/instances/zones.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import { spotAdviceView } from "#/model/instance-views.ts";
import { formatMicros } from "#/model/units.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { maybeInstant } from "../views/time.ts";

export const adviseOnSpot = defineCall({
  summary: "List how often spot instances were taken away",
  description:
    "Type by type, of the last 30 days: how many began to run, how many of them were taken away, and how much less they cost than on demand. Of types of which too few have run it says that nothing is known.",
  tag: "instances",
  role: "viewer",
  query: inProject,
  answer: z.object({ items: z.array(spotAdviceView) }),
  run({ parts }) {
    const { space } = parts;
    const offered = new Set(
      [...space.all("machine")].flatMap(({ status }) => status.hosting?.kinds ?? []),
    );
    const types = [...instanceTypes.values()].filter(({ kind }) => offered.has(kind));
    const zones = zonesOf(space).map(({ name }) => name);
    const advice = spotAdvice(
      parts,
      types.map(({ name }) => name),
      zones,
    );
    return {
      items: advice.map(({ microsPerHour, pricesSince, ...one }) => ({
        ...one,
        pricesSince: maybeInstant(pricesSince),
        onDemandPerHour: formatMicros(microsPerHour),
      })),
    };
  },
});
