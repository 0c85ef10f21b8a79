import { replayRequest, replayView } from "#/model/forecast-views.ts";
import { formatMicros } from "#/model/units.ts";
import { defineCall } from "../call.ts";

export const replayLoad = defineCall({
  summary: "Run the recorded load again under other policies",
  description:
    "Jobs that were submitted of late and succeeded are submitted again in simulated time, at the same distances, with the run times that they had, to the machines that there are now: once under each policy.",
  tag: "forecast",
  role: "root",
  body: replayRequest,
  answer: replayView,
  async run({ parts, body }) {
    const since = parts.clock.now() - body.lastMs;
    const { replays, ...more } = await parts.forecaster.replay(since, body.policies);
    return {
      replays: replays.map(({ costMicros, machinesMicros, ...replayed }) => ({
        ...replayed,
        ...(costMicros !== undefined && { cost: formatMicros(costMicros) }),
        ...(machinesMicros !== undefined && { machinesCost: formatMicros(machinesMicros) }),
      })),
      currency: parts.currency,
      ...more,
    };
  },
});
