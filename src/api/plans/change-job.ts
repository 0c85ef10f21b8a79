import { changeBreaches } from "#/autonomic/goals/holds.ts";
import { leftOf, situationOf, spendingOf } from "#/autonomic/goals/standing.ts";
import { purchasePlan } from "#/autonomic/purchase.ts";
import { releaseByPlan } from "#/autonomic/release.ts";
import type { Rules } from "#/autonomic/rules.ts";
import { CanopyError } from "#/base/errors.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { PlannedWork, PlanRecord } from "#/model/plan.ts";
import type { Space } from "#/space/space.ts";
import type { Call } from "../call.ts";
import type { DoorParts } from "../parts.ts";
import type { PlanToDecide } from "../views/plans.ts";
import { rulesNow } from "./now.ts";

/**
 * Does what was proposed for a job that runs: buys, or gives a machine back. Throws "conflict" with all reasons where
 * it does not hold any more. `check` throws where it may not be carried out, whatever there is now.
 */
export async function changeJob(
  { parts, caller, project }: Call<unknown, unknown, unknown>,
  { plan, newest }: PlanToDecide,
  name: string,
  { verb, check }: { verb: string; check: (plan: PlanRecord, now: number) => void },
): Promise<void> {
  const { space, clock, random, sites } = parts;
  const rules = await rulesNow(space, project);
  const work = await workOf(space, name);
  await space.commit((tx) => {
    const job = tx.get("job", name);
    const found = newest(tx);
    if (found.status.phase === "approved") return;
    const now = clock.now();
    check(found, now);
    const reasons =
      !job || hasJobEnded(job)
        ? [`its job ${name} has ended`]
        : breachesOfChange(parts, found, job, { rules, work, now });
    if (!job || reasons.length > 0)
      throw new CanopyError(
        "conflict",
        `Cannot ${verb} the plan ${plan.name} as it does not hold any more: ${reasons.join("; ")}`,
        { hint: `What the job needs now is proposed again soon: canopy why ${name}` },
      );
    const decided = { phase: "approved", decidedAt: now, decidedBy: caller.name } as const;
    const approved = tx.put<"plan">({ ...found, status: { ...found.status, ...decided } });
    if (plan.spec.release) releaseByPlan(tx, job, approved, now);
    else purchasePlan(tx, job, approved, { offers: sites.offers(), clock, random });
  }).durable;
}

/** Why a proposal for a job that runs cannot be carried out at this moment, as approving it would say. */
export async function changeBreachesNow(
  parts: DoorParts,
  plan: PlanRecord,
  name: string,
): Promise<string[]> {
  const { space, clock } = parts;
  const rules = await rulesNow(space, plan.project);
  const work = await workOf(space, name);
  const job = space.get("job", name);
  if (!job || hasJobEnded(job)) return [`its job ${name} has ended`];
  return breachesOfChange(parts, plan, job, { rules, work, now: clock.now() });
}

function breachesOfChange(
  { space, scheduler, sites, zones, knowledge }: DoorParts,
  { spec }: PlanRecord,
  job: JobRecord,
  { rules, work, now }: { rules: Rules; work: readonly PlannedWork[]; now: number },
): string[] {
  const { deadlineAt } = job.spec.goal!;
  const spending = spendingOf({ space }, job, scheduler.leases(job.name));
  const at = { space, field: scheduler, knowledge };
  return changeBreaches(spec, {
    ...situationOf(at, spending, work, now),
    left: leftOf(spending, deadlineAt === undefined ? undefined : deadlineAt - now, now),
    offers: knowledge.offers(sites.offers()),
    allowed: (offer) => rules.allowed(zones.known(offer, now, now), spec.title, now),
  });
}

/** What the plan of a job's goal believed of its work. */
async function workOf(space: Space, job: string): Promise<readonly PlannedWork[]> {
  const goal = space.get("job", job)?.spec.goal;
  const [plan] = goal ? await space.find("plan", [goal.plan]) : [];
  return plan?.spec.work ?? [];
}
