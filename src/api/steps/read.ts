import { stepView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, stepParams } from "../params.ts";
import { findJob, findStep, runningOf } from "../views/jobs.ts";
import { stepViewOf } from "../views/steps.ts";

export const readStep = defineCall({
  summary: "Read a step",
  tag: "steps",
  role: "viewer",
  fromJobs: "own",
  params: stepParams,
  query: inProject,
  answer: stepView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const job = await findJob(parts, project, params.job);
    const step = await findStep(parts, job, params.step);
    return stepViewOf(step, runningOf(parts, job.name).get(step.name) ?? 0);
  },
});
