import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { answerBefore, once } from "../once.ts";
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
  async run(call) {
    const { parts, project, params } = call;
    await findJob(parts, project, params.job);
    if (answerBefore(call) === undefined)
      await parts.jobs
        .retryJob(parts.space, params.job, (reopen) =>
          once(call, (tx) => {
            reopen(tx);
            return params.job;
          }),
        )
        .catch((thrown: unknown) => {
          // The same call, sent twice at once, came first.
          if (answerBefore(call) === undefined) throw thrown;
        });
    await parts.space.durable();
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
