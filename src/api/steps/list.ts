import { stepTitle } from "#/model/job-request.ts";
import { pageOf, stepView, type Page, type StepView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { jobParams, pageQuery } from "../params.ts";
import { findJob, runningOf } from "../views/jobs.ts";
import { stepViewOf } from "../views/steps.ts";

export const listSteps = defineCall({
  summary: "List the steps of a job",
  description: "By number.",
  tag: "steps",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: pageQuery.extend({ title: stepTitle.optional() }),
  answer: pageOf(stepView),
  errors: ["not-found"],
  async run({ parts, project, params, query }): Promise<Page<StepView>> {
    const job = await findJob(parts, project, params.job);
    const running = runningOf(parts, job.name);
    const items: StepView[] = [];
    let number = Number(query.cursor ?? 0) || 0;
    while (items.length < query.limit && number < job.status.steps) {
      const length = Math.min(query.limit, job.status.steps - number);
      const names = Array.from({ length }, (_, at) => `${job.name}/${number + at}`);
      for (const step of await parts.space.find("step", names)) {
        if (items.length === query.limit) break;
        number += 1;
        if (step && (query.title === undefined || step.spec.title === query.title))
          items.push(stepViewOf(step, running.get(step.name) ?? 0));
      }
    }
    return number < job.status.steps ? { items, next: String(number) } : { items };
  },
});
