import { jobDetail } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { detailOf, findJob } from "../views/jobs.ts";

export const readJob = defineCall({
  summary: "Read a job",
  description:
    "With its steps folded by kind, what it has used, when it will have ended, and why it waits if it does.",
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  answer: jobDetail,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    return detailOf(parts, await findJob(parts, project, params.job));
  },
});
