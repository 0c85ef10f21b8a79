import { declined } from "#/autonomic/proposals.ts";
import { CanopyError } from "#/base/errors.ts";
import { planView } from "#/model/plan-views.ts";
import { defineCall } from "../call.ts";
import { inProject, planParams } from "../params.ts";
import { planToDecide, planViewOf } from "../views/plans.ts";

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
    const { newest } = await planToDecide(space, project, params.plan);
    const committed = space.commit((tx) => {
      const plan = newest(tx);
      if (plan.status.phase === "approved")
        throw new CanopyError(
          "conflict",
          `Cannot decline the plan ${plan.name} as it must be proposed: it is approved`,
          { hint: "Cancel its job: canopy cancel" },
        );
      if (plan.status.phase === "declined") return plan;
      return tx.put<"plan">(declined(plan, caller.name, clock.now()));
    });
    await committed.durable;
    return planViewOf(committed.value, currency);
  },
});
