import { hourlyMax } from "#/autonomic/fleet/bill.ts";
import { slotsOf } from "#/autonomic/slots.ts";
import { rulesOf } from "#/autonomic/rules.ts";
import { isPlanned, type JobRecord } from "#/model/job.ts";
import type { JobRequest } from "#/model/job-request.ts";
import { autonomicPolicyName, policyOf } from "#/model/policy.ts";
import type { StepRecord } from "#/model/step.ts";
import type { DoorParts } from "../parts.ts";
import { goalByPolicy } from "./goals.ts";

/** Whether machines could be bought on which so many tasks of a step run at once. */
export type Purchasable = (step: StepRecord) => boolean;

/**
 * What could be bought, by itself or once that is approved, for a job that is submitted, or one that runs: for its
 * project's fleet, or to keep a deadline, of what sites offer and its policy allows; quiet hours pass. Undefined where
 * nothing would be. `isKnown`: of the work of one that is submitted enough is known to buy for it.
 */
export async function purchasableFor(
  parts: DoorParts,
  project: string,
  job: JobRequest | JobRecord,
  isKnown = false,
): Promise<Purchasable | undefined> {
  const { space, sites, zones, clock, knowledge } = parts;
  const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
  const isRunning = "kind" in job;
  const { title } = isRunning ? job.spec : job;
  const fleet = isRunning && isPlanned(job) ? undefined : policy?.fleet;
  const isKept = isRunning
    ? isPlanned(job) && job.spec.goal?.deadlineAt !== undefined
    : isKnown && goalByPolicy(space, project)?.deadlineMs !== undefined;
  if (!fleet && !isKept) return undefined;
  const { quiet: _, ...always } = policy ?? { quiet: undefined };
  const rules = await rulesOf(policy && (always as typeof policy));
  if (!["act", "approve"].includes(rules.level("buy"))) return undefined;
  const now = clock.now();
  const offers = knowledge
    .offers(sites.offers())
    .filter(
      (offer) =>
        offer.microsPerHour !== undefined &&
        rules.allowed(zones.known(offer, now, now), title, now) === undefined &&
        (isKept || hourlyMax(offer)! <= (fleet?.budgetMicrosPerHour ?? Infinity)),
    );
  return ({ spec, status }) => {
    const { needs, run } = spec.template;
    const atOnce = spec.gang ? (spec.gang.minimum ?? status.total ?? 1) : 1;
    return offers.some((offer) => {
      const most = isKept ? Math.max(1, offer.countMax) : fleet!.machinesMax;
      return slotsOf({ needs, driver: run.driver }, offer) * most >= atOnce;
    });
  };
}
