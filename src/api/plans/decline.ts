import { CanopyError } from "#/base/errors.ts";
import { planView } from "#/model/plan-views.ts";
import { defineCall } from "../call.ts";
import { inProject, planParams } from "../params.ts";
import { findPlan, planViewOf } from "../views/plans.ts";

export const declinePlan = defineCall({
  summary: "Decline a plan",
  description: "It stays to be read, and can no more be approved.",
  tag: "plans",
  role: "submitter",
  params: planParams,
  query: inProject,
  answer: planView,
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, project, params, caller }) {
    const { space, clock, currency } = parts;
    const found = await findPlan(space, project, params.plan);
    const { name } = found;
    const committed = space.commit((tx) => {
      const plan = tx.get("plan", name) ?? found;
      if (plan.status.phase === "approved")
        throw new CanopyError(
          "conflict",
          `Cannot decline the plan ${name} as it must be proposed: it is approved`,
          { hint: "Cancel its job: canopy cancel" },
        );
      if (plan.status.phase === "declined") return plan;
      const status = { phase: "declined", decidedAt: clock.now(), decidedBy: caller.name } as const;
      return tx.put<"plan">({ ...plan, status });
    });
    await committed.durable;
    return planViewOf(committed.value, currency);
  },
});
