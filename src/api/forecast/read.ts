import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { forecastView } from "#/model/forecast-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { forecastViewOf } from "../views/forecast.ts";
import { findJob } from "../views/jobs.ts";

export const readForecast = defineCall({
  summary: "Forecast when jobs end and what they cost",
  description:
    "Runs the scheduler and what keeps goals on forks of the state as it is now, in simulated time, with run times drawn from what is known, and tells how the forks differ. Jobs like those that came lately go on coming.",
  tag: "forecast",
  role: "viewer",
  query: inProject.extend({
    job: z.string().min(1).max(100).optional(),
    forks: z.coerce
      .number()
      .int()
      .min(1)
      .max(limits.forecastForksMax)
      .default(limits.forecastForks),
    seed: z.coerce.number().int().min(0).default(1),
  }),
  answer: forecastView,
  errors: ["not-found"],
  async run({ parts, project, query }) {
    const { job, forks, seed } = query;
    if (job !== undefined) await findJob(parts, project, job);
    const found = await parts.forecaster.forecast({ forks, seed, limitMs: limits.forecastMs });
    return forecastViewOf(parts, found, { project, job });
  },
});
