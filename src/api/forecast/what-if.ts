import { limits } from "#/base/limits.ts";
import { whatIfRequest, whatIfView } from "#/model/forecast-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { forecastViewOf } from "../views/forecast.ts";
import { findJob } from "../views/jobs.ts";
import { triedOf } from "./tried.ts";

export const whatIf = defineCall({
  summary: "Forecast what a change would do",
  description:
    "The forecast as it is, beside the one with machines added or removed, under a scheduling policy that has a name, or with the project's own policy as it would be. Chance is the same in both, so that they differ by the change alone. Nothing is changed.",
  tag: "forecast",
  role: "viewer",
  query: inProject,
  body: whatIfRequest,
  answer: whatIfView,
  errors: ["not-found"],
  async run({ parts, project, body }) {
    const { job, forks, seed, add, remove, policy } = body;
    if (job !== undefined) await findJob(parts, project, job);
    const change = {
      add: add.map(({ count, like, cpus, memoryBytes, bootMs }) => ({
        count,
        ...(bootMs !== undefined && { bootMs }),
        ...(like === undefined
          ? { capacity: { milliCpus: Math.round(cpus! * 1000), memoryBytes: memoryBytes! } }
          : { like }),
      })),
      remove,
      ...(policy !== undefined && { policy: await triedOf(policy, parts.currency, project) }),
    };
    const options = { forks, seed, limitMs: limits.forecastMs };
    const found = await parts.forecaster.whatIf(change, options);
    const of = { project, job };
    return {
      without: forecastViewOf(parts, found.without, of),
      with: forecastViewOf(parts, found.with, of),
    };
  },
});
