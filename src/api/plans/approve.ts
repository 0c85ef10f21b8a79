import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { planLifeMs } from "#/autonomic/proposals.ts";
import { briefDuration } from "#/model/units.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { planView } from "#/model/plan-views.ts";
import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, planParams } from "../params.ts";
import { planToDecide } from "../views/plans.ts";
import { approveSaving } from "./approve-saving.ts";
import { carryOutFleetPlan } from "./carry-out-fleet.ts";
import { carryOut } from "./carry-out.ts";

export const approvePlan = defineCall({
  summary: "Approve a plan",
  description:
    "Submits the job that was planned, and buys what the plan says; from now on its deadline counts, and what it takes is bought within its budget. A plan for a job that runs changes what that has, one for a project's shared machines changes those, and one that ends what serves nobody does that soon. Refused when what it takes is not there or dearer, or would cost more than is left. The answer is the job, or the plan where it is about no job; also when it is approved again.",
  tag: "plans",
  role: "submitter",
  params: planParams,
  query: inProject,
  answer: z.union([jobView, planView]),
  status: 201,
  errors: ["not-found", "conflict", "infeasible", "no-space"],
  async run(call) {
    const found = await planToDecide(call.parts.space, call.project, call.params.plan);
    if (found.plan.spec.saving) return approveSaving(call, found, mustBeGood);
    if (found.plan.spec.fleet) return carryOutFleetPlan(call, found, mustBeGood);
    return carryOut(call, found, { verb: "approve", check: mustBeGood, asks: "then" });
  },
});

function mustBeGood({ name, spec, status }: PlanRecord, now: number): void {
  const lifeMs = planLifeMs(spec);
  const isOld = now - spec.madeAt > lifeMs;
  if (status.phase === "proposed" && !isOld) return;
  throw new CanopyError(
    "conflict",
    `Cannot approve the plan ${name} as it must be proposed and not older than ${briefDuration(lifeMs)}: it is ${isOld ? "too old" : status.phase}`,
    { hint: "Prices and machines change: plan it again" },
  );
}
