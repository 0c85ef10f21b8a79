import { z } from "zod";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import { taskName } from "#/model/task.ts";
import { jobResult, type JobResult } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import type { Feed } from "../streams/feed.ts";
import { findJob } from "../views/jobs.ts";
import { finalErrorOf } from "../views/tasks.ts";

export const resultOfJob = defineCall({
  summary: "How a job ended",
  description:
    "With the result of its main step, as JSON text. With waitMs, the answer is held back until it has ended, or that time has passed.",
  isForAny: true,
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: inProject.extend({
    waitMs: z.coerce.number().int().min(0).max(limits.waitMsMax).default(0),
  }),
  answer: jobResult,
  errors: ["not-found"],
  async run({ parts, project, params, query }): Promise<JobResult> {
    let job = await findJob(parts, project, params.job);
    if (!hasJobEnded(job) && query.waitMs > 0) {
      await untilEnded(parts, job.name, query.waitMs);
      job = await findJob(parts, project, params.job);
    }
    const { phase, exitCode, reason } = job.status;
    const told: JobResult = { id: job.name, phase, exitCode, reason };
    return hasJobEnded(job) ? { ...told, ...(await mainResult(parts, job)) } : told;
  },
});

/** Resolves when the job has durably ended, or `waitMs` have passed. */
function untilEnded(
  { space, feed, clock }: { space: DoorParts["space"]; feed: Feed; clock: Clock },
  name: string,
  waitMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      stop();
      resolve();
    };
    const timer = clock.after(waitMs, done, true);
    const look = () => {
      const job = space.get("job", name);
      if (!job || hasJobEnded(job)) done(); // the answer itself waits until that is on disk
    };
    const stop = feed.onJob(name, look);
    look();
  });
}

async function mainResult(
  { space }: Pick<DoorParts, "space">,
  job: JobRecord,
): Promise<Partial<JobResult>> {
  if (job.spec.mainStep === undefined) return {};
  const [task] = await space.find("task", [taskName(job.spec.mainStep, 0)]);
  if (!task) return {};
  const { phase, result, resultBlob } = task.status;
  return phase === "succeeded" ? { result, resultBlob } : { error: finalErrorOf(task) };
}
