import { z } from "zod";
import { savingsOf } from "#/instances/savings.ts";
import { formatMicros } from "#/model/units.ts";
import { savingView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";

export const listSavings = defineCall({
  summary: "List what could be saved",
  description:
    "Volumes, snapshots, data of images, instances and requests that cost money and serve nobody, as far as can be seen, the most money first. Nothing is done about them.",
  tag: "instances",
  role: "viewer",
  query: inProject,
  answer: z.object({ items: z.array(savingView) }),
  run({ parts, project }) {
    const found = savingsOf(parts.space, { project, now: parts.clock.now() });
    return {
      items: found.map(({ microsPerMonth, ...saving }) => ({
        ...saving,
        perMonth: formatMicros(microsPerMonth),
      })),
    };
  },
});
