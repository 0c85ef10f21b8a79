import { CanopyError } from "#/base/errors.ts";
import { applyInput } from "#/model/plan-views.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, planParams } from "../params.ts";
import { planToDecide, planViewOf } from "../views/plans.ts";
import { carryOut } from "./carry-out.ts";

export const applyPlan = defineCall({
  summary: "Apply a plan that was kept",
  description:
    "Like approve, for a plan of any age: it is carried out exactly as its digest says, or refused with all that has changed: prices, offers, machines, what is allowed, or what is known of the work so that its goal would not be kept. Applied again, the answer is the same job.",
  tag: "plans",
  role: "submitter",
  params: planParams,
  query: inProject,
  body: applyInput,
  answer: jobView,
  status: 201,
  errors: ["not-found", "conflict", "infeasible", "no-space"],
  async run(call) {
    const { parts, project, params, body } = call;
    const found = await planToDecide(parts.space, project, params.plan);
    const { plan } = found;
    if (planViewOf(plan, parts.currency).digest !== body.digest)
      throw new CanopyError(
        "conflict",
        `Cannot apply the plan ${plan.name} as it must be what was planned: its content was changed`,
        { hint: "Plan it again: canopy plan" },
      );
    return carryOut(call, found, { verb: "apply", check: mustBeOpen, asks: "now" });
  },
});

function mustBeOpen({ name, spec, status }: PlanRecord): void {
  if (status.phase === "proposed" && spec.request === "")
    throw new CanopyError(
      "conflict",
      `Cannot apply the plan ${name} as it must be of a job that has yet to begin: Canopy proposed it for what goes on`,
      { hint: `While it is new: canopy approve ${name}` },
    );
  if (status.phase === "proposed") return;
  throw new CanopyError(
    "conflict",
    `Cannot apply the plan ${name} as it must be proposed: it is ${status.phase}`,
    { hint: "Plan it again: canopy plan" },
  );
}
