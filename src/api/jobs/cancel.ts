import { z } from "zod";
import { hasJobEnded } from "#/model/job.ts";
import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";

export const cancelJob = defineCall({
  summary: "Cancel a job",
  description: "Nothing changes when it has ended already.",
  tag: "jobs",
  role: "submitter",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  body: z.strictObject({ reason: z.string().max(1000).optional() }).optional(),
  answer: jobView,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params, body, caller }) {
    const { space, jobs, clock } = parts;
    await findJob(parts, project, params.job);
    const committed = space.commit((tx) => {
      const job = tx.get("job", params.job);
      if (job && !hasJobEnded(job))
        jobs.cancelJob(tx, job, body?.reason ?? `cancelled by ${caller.name}`, clock.now());
    });
    await committed.durable;
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
