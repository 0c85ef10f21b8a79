import type { PlanSpec } from "#/model/plan.ts";
import type { Saving } from "#/model/saving.ts";

/** A plan that ends one thing: it runs nothing and buys nothing. */
export function plannedSaving({
  subject,
  rule,
  sentence,
  microsPerMonth,
}: Saving): Omit<PlanSpec, "madeBy" | "madeAt" | "request"> {
  const nothing = { likely: 0, high: 0 };
  return {
    title: `saving:${subject}`,
    goal: { objective: "cost" },
    work: [],
    chainMs: 0,
    considered: [],
    saving: { subject, rule, why: [sentence], microsPerMonth },
    predicted: { finishMs: nothing, costMicros: nothing, joules: undefined, grams: undefined },
    bound: 0,
  };
}
