import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { hasStepEnded } from "#/model/step.ts";
import { indexOfTask } from "#/model/task.ts";
import { stepRequest } from "#/model/job-request.ts";
import { stepView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { requireFit, requireObjects } from "../jobs/checks.ts";
import { once } from "../once.ts";
import { inProject, jobParams } from "../params.ts";
import { findRunningJob, findStep } from "../views/jobs.ts";
import { stepViewOf } from "../views/steps.ts";

export const addStep = defineCall({
  summary: "Add a step to an open job",
  description:
    "With `number`, the call may be made again: the step of that number is given back when it was asked for with the same fingerprint, and is a conflict when not.",
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
    const { name: jobName } = await findRunningJob(parts, project, params.job, "add a step");
    await requireObjects(parts.objects, project, [body]);
    const name = await once(call, (tx) => {
      const job = tx.get("job", jobName);
      if (!job)
        throw new CanopyError("conflict", `Cannot add a step as the job ${jobName} has ended`);
      const step = parts.jobs.addStep(
        tx,
        job,
        body,
        query.number === undefined ? {} : { number: query.number },
      );
      if (!hasStepEnded(step)) requireFit(parts, step);
      return step.name;
    });
    const [job] = await parts.space.find("job", [jobName]);
    return stepViewOf(await findStep(parts, job!, indexOfTask(name)), 0);
  },
});
