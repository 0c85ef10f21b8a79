import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";

export const retryJob = defineCall({
  summary: "Retry a job",
  description:
    "Its failed and cancelled tasks run again, under the same names; what has succeeded stays.",
  tag: "jobs",
  role: "submitter",
  params: jobParams,
  query: inProject,
  answer: jobView,
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, project, params }) {
    await findJob(parts, project, params.job);
    await parts.jobs.retryJob(parts.space, params.job);
    await parts.space.durable();
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
