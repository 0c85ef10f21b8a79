import { CanopyError } from "#/base/errors.ts";
import { savingsOf } from "#/instances/savings.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { PlanView } from "#/model/plan-views.ts";
import type { Call } from "../call.ts";
import type { DoorParts } from "../parts.ts";
import { planViewOf, type PlanToDecide } from "../views/plans.ts";

/** What it ends is ended soon: by the loop that has proposed it. Throws "conflict" where that serves somebody again. */
export async function approveSaving(
  { parts, caller }: Call<unknown, unknown, unknown>,
  { newest }: PlanToDecide,
  check: (plan: PlanRecord, now: number) => void,
): Promise<PlanView> {
  const { space, clock, currency } = parts;
  const { value, durable } = space.commit((tx) => {
    const plan = newest(tx);
    if (plan.status.phase === "approved") return plan;
    const now = clock.now();
    check(plan, now);
    if (!isStillSo(parts, plan))
      throw new CanopyError(
        "conflict",
        `Cannot approve the plan ${plan.name} as ${plan.spec.saving!.subject} must still be what it was: it serves somebody now, or is gone`,
        { hint: "See what could be saved: canopy instances savings" },
      );
    const decided = { phase: "approved", decidedAt: now, decidedBy: caller.name } as const;
    return tx.put<"plan">({ ...plan, status: decided });
  });
  await durable;
  return planViewOf(value, currency);
}

/** Whether what it would end is still found by the rule by which it was. */
export function isStillSo(
  { space, clock }: Pick<DoorParts, "space" | "clock">,
  { project, spec: { saving } }: PlanRecord,
): boolean {
  return savingsOf(space, { project, now: clock.now() }).some(
    ({ subject, rule }) => subject === saving?.subject && rule === saving.rule,
  );
}
