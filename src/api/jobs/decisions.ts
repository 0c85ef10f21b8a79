import { decisionsAbout } from "#/autonomic/decide.ts";
import { decisionView } from "#/model/plan-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { jobParams, pageQuery } from "../params.ts";
import { findJob } from "../views/jobs.ts";
import { decisionViewOf } from "../views/plans.ts";

export const decisionsOfJob = defineCall({
  summary: "What was decided for a job",
  description: "What was bought, released, held back or stopped, and why; the newest first.",
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: pageQuery,
  answer: pageOf(decisionView),
  errors: ["not-found"],
  async run({ parts, project, params, query }) {
    const { name } = await findJob(parts, project, params.job);
    const found = await decisionsAbout(parts.space, name, query.limit, query.cursor);
    const items = found.slice(0, query.limit).map(decisionViewOf);
    return found.length > query.limit ? { items, next: found[query.limit - 1]!.name } : { items };
  },
});
