import { purchasePlan } from "#/autonomic/purchase.ts";
import { CanopyError } from "#/base/errors.ts";
import { textOf } from "#/base/body.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import { hasJobEnded } from "#/model/job.ts";
import { jobRequest } from "#/model/job-request.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { jobView } from "#/model/views.ts";
import { defineCall, type Call } from "../call.ts";
import { once } from "../once.ts";
import { inProject, planParams } from "../params.ts";
import { findJob, jobViewOf } from "../views/jobs.ts";
import { findPlan } from "../views/plans.ts";

export const approvePlan = defineCall({
  summary: "Approve a plan",
  description:
    "Submits the job that was planned, and buys what the plan says; from now on its deadline counts, and what it takes is bought within its budget. A plan for a job that runs changes what that has. The answer is the job, also when it is approved again.",
  tag: "plans",
  role: "submitter",
  params: planParams,
  query: inProject,
  answer: jobView,
  status: 201,
  errors: ["not-found", "conflict", "no-space"],
  async run(call) {
    const { parts, project, params, caller } = call;
    const { space, clock, random, objects, jobs, sites } = parts;
    const plan = await findPlan(space, project, params.plan);
    const { job: known, phase } = plan.status;
    if (known !== undefined) {
      if (phase === "proposed") await changeJob(call, plan, known);
      return jobViewOf(await findJob(parts, project, known));
    }
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
      const status = { phase: "approved", decidedAt: now, decidedBy: caller.name } as const;
      const approved = tx.put<"plan">({ ...newest, status: { ...status, job: job.name } });
      purchasePlan(tx, job, approved, { offers: sites.offers(), clock, random });
      return job.name;
    });
    return jobViewOf(await findJob(parts, project, name));
  },
});

/** Buys what was proposed for a job that runs. */
async function changeJob(
  { parts, caller }: Pick<Call<unknown, unknown, unknown>, "parts" | "caller">,
  plan: PlanRecord,
  name: string,
): Promise<void> {
  const { space, clock, random, sites } = parts;
  await space.commit((tx) => {
    const job = tx.get("job", name);
    const newest = tx.get("plan", plan.name) ?? plan;
    if (newest.status.phase === "approved") return;
    const now = clock.now();
    mustBeGood(newest, now);
    if (!job || hasJobEnded(job))
      throw new CanopyError(
        "conflict",
        `Cannot approve the plan ${plan.name} as its job ${name} must run: it has ended`,
      );
    const status = { ...newest.status, phase: "approved", decidedAt: now, decidedBy: caller.name };
    const approved = tx.put<"plan">({ ...newest, status: status as PlanRecord["status"] });
    purchasePlan(tx, job, approved, { offers: sites.offers(), clock, random });
  }).durable;
}

function mustBeGood({ name, spec, status }: PlanRecord, now: number): void {
  const isOld = now - spec.madeAt > limits.planLifeMs;
  if (status.phase === "proposed" && !isOld) return;
  throw new CanopyError(
    "conflict",
    `Cannot approve the plan ${name} as it must be proposed and not older than ${limits.planLifeMs / 60_000} minutes: it is ${isOld ? "too old" : status.phase}`,
    { hint: "Prices and machines change: plan it again" },
  );
}
