import { CanopyError } from "#/base/errors.ts";
import { textOf } from "#/base/body.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import { jobRequest } from "#/model/job-request.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject, planParams } from "../params.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";
import { findPlan } from "../views/plans.ts";

export const approvePlan = defineCall({
  summary: "Approve a plan",
  description:
    "Submits the job that was planned; from now on its deadline counts, and machines are bought within its budget. The answer is the job, also when it is approved again.",
  tag: "plans",
  role: "submitter",
  params: planParams,
  query: inProject,
  answer: jobView,
  status: 201,
  errors: ["not-found", "conflict", "no-space"],
  async run(call) {
    const { parts, project, params, caller } = call;
    const { space, clock, random, objects, jobs } = parts;
    const plan = await findPlan(space, project, params.plan);
    if (plan.status.job !== undefined)
      return jobViewOf(await findJob(parts, project, plan.status.job));
    mustBeGood(plan, clock.now());
    const stored = await objects.get(project, plan.spec.request);
    if (!stored)
      throw new CanopyError(
        "not-found",
        `Cannot approve the plan ${plan.name} as what was asked for is gone`,
      );
    const request = jobRequest.parse(JSON.parse(await textOf(stored.content)));
    const name = await once(call, (tx) => {
      const newest = tx.get("plan", plan.name) ?? plan;
      if (newest.status.job !== undefined) return newest.status.job;
      const now = clock.now();
      mustBeGood(newest, now);
      const { deadlineMs, budgetMicros, objective } = newest.spec.goal;
      const job = jobs.submitJob(tx, {
        request,
        project,
        submittedBy: caller.name,
        now,
        id: newId("j", clock, random),
        goal: {
          plan: newest.name,
          objective,
          ...(deadlineMs !== undefined && { deadlineAt: now + deadlineMs }),
          ...(budgetMicros !== undefined && { budgetMicros }),
        },
      });
      tx.put<"plan">({
        ...newest,
        status: { phase: "approved", decidedAt: now, decidedBy: caller.name, job: job.name },
      });
      return job.name;
    });
    return jobViewOf(await findJob(parts, project, name));
  },
});

function mustBeGood({ name, spec, status }: PlanRecord, now: number): void {
  const isOld = now - spec.madeAt > limits.planLifeMs;
  if (status.phase === "proposed" && !isOld) return;
  throw new CanopyError(
    "conflict",
    `Cannot approve the plan ${name} as it must be proposed and not older than ${limits.planLifeMs / 60_000} minutes: it is ${isOld ? "too old" : status.phase}`,
    { hint: "Prices and machines change: plan it again" },
  );
}
