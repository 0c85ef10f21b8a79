import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, findRunningJob, jobViewOf } from "../views/jobs.ts";

export const closeJob = defineCall({
  summary: "Close a job",
  description: "No more steps will be added: it ends when those it has have ended.",
  tag: "jobs",
  role: "submitter",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  answer: jobView,
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, project, params }) {
    const job = await findRunningJob(parts, project, params.job, "close it");
    await parts.space.commit((tx) => parts.jobs.closeJob(tx, tx.get("job", job.name) ?? job))
      .durable;
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
