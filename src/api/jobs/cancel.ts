import { z } from "zod";
import { cutNow } from "#/autonomic/spending.ts";
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
    const { space, jobs, scheduler, clock } = parts;
    await findJob(parts, project, params.job);
    const committed = space.commit((tx) => {
      const job = tx.get("job", params.job);
      if (!job || hasJobEnded(job)) return;
      const now = clock.now();
      const cut = cutNow({ space, field: scheduler }, job, now);
      const known = tx.put<"job">({ ...job, status: { ...job.status, ...cut } });
      jobs.cancelJob(tx, known, body?.reason ?? `cancelled by ${caller.name}`, now);
    });
    await committed.durable;
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
