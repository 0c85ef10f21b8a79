import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import type { JobRecord } from "#/model/job.ts";
import { hasStepEnded } from "#/model/step.ts";
import { indexOfTask } from "#/model/task.ts";
import { stepRequest } from "#/model/job-request.ts";
import { stepView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { requireFit, requireBlobs } from "../jobs/checks.ts";
import { confinedStep, whileOvertaken } from "../jobs/confined.ts";
import { purchasableFor } from "../jobs/purchasable.ts";
import { answerBefore, once } from "../once.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, findStep } from "../views/jobs.ts";
import { stepViewOf } from "../views/steps.ts";

export const addStep = defineCall({
  summary: "Add a step to an open job",
  description:
    "With `number`, the call may be made again, also after the job has ended: the step of that number is given back when it was asked for with the same fingerprint, and is a conflict when not.",
  tag: "steps",
  role: "submitter",
  fromJobs: "own",
  params: jobParams,
  query: inProject.extend({ number: z.coerce.number().int().min(0).optional() }),
  body: stepRequest,
  answer: stepView,
  status: 201,
  errors: ["not-found", "conflict", "infeasible", "limited", "no-space"],
  async run(call) {
    const { parts, project, params, query, body } = call;
    const job = await findJob(parts, project, params.job);
    const { number } = query;
    const names = number === undefined ? [] : [`${job.name}/${number}`];
    const [known] = await parts.space.find("step", names);
    const isNew = !known && answerBefore(call) === undefined;
    if (isNew) mustRun(job);
    if (isNew) await requireBlobs(parts.blobs, project, [body]);
    const purchasable = await purchasableFor(parts, project, job);
    const name = await whileOvertaken(async () => {
      const { step: request, mark } = await confinedStep(parts.space, job, body);
      return once(call, (tx) => {
        mark(tx);
        const asked = { ...(number !== undefined && { number }), ...(known && { known }) };
        const step = parts.jobs.addStep(tx, job, request, asked);
        if (!hasStepEnded(step)) requireFit(parts, step, purchasable);
        return step.name;
      });
    });
    const [newest = job] = await parts.space.find("job", [job.name]);
    return stepViewOf(await findStep(parts, newest, indexOfTask(name)), 0);
  },
});

/** Throws "conflict" when it has ended. */
function mustRun({ name, status }: JobRecord): void {
  if (status.phase === "running") return;
  const has = status.phase === "cancelled" ? "been cancelled" : status.phase;
  throw new CanopyError(
    "conflict",
    `Cannot add a step as the job ${name} has ended: it has ${has}`,
  );
}
