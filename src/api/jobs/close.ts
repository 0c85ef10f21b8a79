import { hasJobEnded } from "#/model/job.ts";
import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";

export const closeJob = defineCall({
  summary: "Close a job",
  description:
    "No more steps will be added: it ends when those it has have ended. Nothing changes when it is closed, or has ended, already.",
  tag: "jobs",
  role: "submitter",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  answer: jobView,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params }) {
    await findJob(parts, project, params.job);
    const committed = parts.space.commit((tx) => {
      const job = tx.get("job", params.job);
      if (job?.status.open && !hasJobEnded(job)) parts.jobs.closeJob(tx, job);
    });
    await committed.durable;
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
