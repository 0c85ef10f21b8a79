import type { Tried } from "#/forecast/tried.ts";
import { replayRequest, replayView } from "#/model/forecast-views.ts";
import { formatMicros } from "#/model/units.ts";
import { defineCall } from "../call.ts";
import { triedOf } from "./tried.ts";

export const replayLoad = defineCall({
  summary: "Run the recorded load again under other policies",
  description:
    "Jobs that were submitted of late and succeeded are submitted again in simulated time, at the same distances, with the run times that they had, to the machines that there are now beside those that were bought: once under each policy. One that has rules is every project's.",
  tag: "forecast",
  role: "root",
  body: replayRequest,
  answer: replayView,
  async run({ parts, body }) {
    const since = parts.clock.now() - body.lastMs;
    const policies: Tried[] = [];
    for (const policy of body.policies) policies.push(await triedOf(policy, parts.currency));
    const { replays, ...more } = await parts.forecaster.replay(since, policies);
    return {
      replays: replays.map(({ costMicros, machinesMicros, energyJoules, grams, ...replayed }) => ({
        ...replayed,
        ...(energyJoules !== undefined && { energyJoules }),
        ...(grams !== undefined && { grams }),
        ...(costMicros !== undefined && { cost: formatMicros(costMicros) }),
        ...(machinesMicros !== undefined && { machinesCost: formatMicros(machinesMicros) }),
      })),
      currency: parts.currency,
      ...more,
    };
  },
});
