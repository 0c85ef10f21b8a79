import { carryOutFleet } from "#/autonomic/fleet/act.ts";
import { fleetTitle } from "#/autonomic/fleet/fleet.ts";
import { fleetBreaches } from "#/autonomic/fleet/holds.ts";
import type { Rules } from "#/autonomic/rules.ts";
import { CanopyError } from "#/base/errors.ts";
import { isFleetOrder } from "#/model/order.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { PlanView } from "#/model/plan-views.ts";
import { autonomicPolicyName, policyOf } from "#/model/policy.ts";
import type { Call } from "../call.ts";
import type { DoorParts } from "../parts.ts";
import { planViewOf, type PlanToDecide } from "../views/plans.ts";
import { rulesNow } from "./now.ts";

/**
 * Does what a plan says about a project's shared machines, once. Throws "conflict" with all reasons where it does
 * not hold any more. `check` throws where it may not be carried out, whatever there is now.
 */
export async function carryOutFleetPlan(
  { parts, caller, project }: Call<unknown, unknown, unknown>,
  { plan, newest }: PlanToDecide,
  check: (plan: PlanRecord, now: number) => void,
): Promise<PlanView> {
  const { space, clock, random, sites, currency } = parts;
  const rules = await rulesNow(space, project);
  const { value, durable } = space.commit((tx) => {
    const found = newest(tx);
    if (found.status.phase === "approved") return found;
    const now = clock.now();
    check(found, now);
    const breaches = fleetBreachesAt(parts, found, rules, now);
    if (breaches.length > 0)
      throw new CanopyError(
        "conflict",
        `Cannot approve the plan ${plan.name} as it does not hold any more: ${breaches.join("; ")}`,
        { hint: "What is needed now is proposed again soon: canopy plan" },
      );
    const decided = { phase: "approved", decidedAt: now, decidedBy: caller.name } as const;
    const approved = tx.put<"plan">({ ...found, status: decided });
    carryOutFleet(tx, approved, { offers: sites.offers(), clock, random });
    return approved;
  });
  await durable;
  return planViewOf(value, currency);
}

/** Why it cannot be carried out at this moment, as approving it would say. */
export function fleetBreachesAt(
  { space, sites, knowledge, zones }: DoorParts,
  { project, spec }: PlanRecord,
  rules: Rules,
  now: number,
): string[] {
  const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
  return fleetBreaches(spec, {
    policy: policy?.fleet,
    offers: knowledge.offers(sites.offers()),
    allowed: (offer) => rules.allowed(zones.known(offer, now, now), fleetTitle, now),
    orders: [...space.all("order")].filter((one) => isFleetOrder(one) && one.project === project),
    now,
  });
}
