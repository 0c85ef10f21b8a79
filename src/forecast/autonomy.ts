import { goalForAll } from "#/autonomic/job-goals.ts";
import type { KnownOffer } from "#/autonomic/machine-types.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import { hasOrderEnded, isFleetOrder, type OrderRecord } from "#/model/order.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { policyOf, type PolicyRecord } from "#/model/policy.ts";

/** What a fork needs to know so that Canopy buys, moves and gives back in it as it does in the cloud. */
export interface MomentAutonomy {
  readonly policies: readonly PolicyRecord[];
  /** Open, or ended lately. */
  readonly orders: readonly OrderRecord[];
  readonly offers: readonly KnownOffer[];
  /** Of jobs that have goals, as far as those are kept by them. */
  readonly plans: readonly PlanRecord[];
}

export const noAutonomy: MomentAutonomy = { policies: [], orders: [], offers: [], plans: [] };

/**
 * Undefined where no job has a goal, no project a fleet or a goal for each job, nothing is bought, and nobody asks what
 * would be otherwise.
 */
export function autonomyOf(
  known: {
    policies: readonly PolicyRecord[];
    orders: readonly OrderRecord[];
    offers: readonly KnownOffer[];
    plans: readonly (PlanRecord | undefined)[];
    jobs: readonly JobRecord[];
  },
  isAsked: boolean,
): MomentAutonomy | undefined {
  const { jobs, offers } = known;
  const orders = known.orders.filter((order) => isFleetOrder(order) || order.spec.job);
  const policies = known.policies.filter((policy) => policyOf(policy, "autonomic"));
  const hasGoal = jobs.some((job) => job.spec.goal && !hasJobEnded(job));
  const buys = policies.some((policy) => {
    const rules = policyOf(policy, "autonomic")!;
    return rules.fleet || goalForAll(rules);
  });
  if (!isAsked && !hasGoal && !buys && orders.every(hasOrderEnded)) return undefined;
  return { policies, orders, offers, plans: known.plans.flatMap((plan) => plan ?? []).map(slim) };
}

/** Without what it was made from. */
function slim(plan: PlanRecord): PlanRecord {
  const { asked: _, ...spec } = plan.spec;
  return { ...plan, spec: { ...spec, considered: [] } };
}

/** Records that the fork begins with. Machines that boot are expected when the moment says, and not ordered again. */
export function recordsOfAutonomy({
  policies,
  orders,
  plans,
}: MomentAutonomy): (PolicyRecord | OrderRecord | PlanRecord)[] {
  const known = orders.map((order): OrderRecord =>
    order.status.phase === "ordered"
      ? { ...order, status: { ...order.status, phase: "booting" } }
      : order,
  );
  return [...policies, ...known, ...plans];
}
