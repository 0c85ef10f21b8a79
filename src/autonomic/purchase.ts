import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import type { Random } from "#/base/random.ts";
import { limits } from "#/base/limits.ts";
import type { DecisionSpec } from "#/model/decision.ts";
import type { JobRecord } from "#/model/job.ts";
import type { OrderSpec } from "#/model/order.ts";
import type { Considered, PlanRecord } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "./decide.ts";

export interface Purchase {
  readonly site: string;
  readonly offer: string;
  readonly count: number;
}

export interface PurchaseParts {
  /** What sites would give now. */
  offers: readonly Offer[];
  clock: Clock;
  random: Random;
}

/** Who pays: a job, or a project for machines that its jobs share. Decisions are named after it. */
export interface Payer extends Pick<JobRecord, "name" | "project"> {
  readonly isFleet?: boolean;
}

export interface Reasons {
  readonly why: readonly string[];
  readonly flip?: string;
  /** All that was considered. */
  readonly considered?: readonly Considered[];
}

/** One decision for all machines of an offer, and an order for each. Nothing where the offer is gone. */
export function purchase(
  tx: Transaction,
  payer: Payer,
  { site, offer: name, count }: Purchase,
  reasons: Reasons,
  { offers, clock, random }: PurchaseParts,
): void {
  const offer = offers.find((one) => one.site === site && one.name === name);
  if (!offer) return;
  const at = clock.now();
  const { why, flip, considered = [] } = reasons;
  const decision = decide(tx, payer, {
    at,
    action: "buy",
    what: `ordered ${count} ${name} of ${site}`,
    why,
    ...(flip !== undefined && { flip }),
    subject: `${site} ${name}`,
    others: othersOf(considered),
  });
  for (let number = 0; number < count; number++) {
    tx.put<"order">({
      kind: "order",
      project: payer.project,
      name: newId("o", { clock, random }, (id) => tx.get("order", id) !== undefined),
      spec: { site, offer, orderedAt: at, ...askedBy(payer), decision },
      status: { phase: "ordered", since: at },
    });
  }
}

/** Offers that were not taken, the first of them. */
function othersOf(considered: readonly Considered[]): DecisionSpec["others"] {
  return considered
    .filter(({ isPresent, count }) => !isPresent && count === 0)
    .slice(0, limits.decisionOthersMax)
    .map(({ site, offer, whyNot = "" }) => ({ what: `${site} ${offer}`, whyNot }));
}

function askedBy({ name, project, isFleet = false }: Payer): Pick<OrderSpec, "askedBy" | "job"> {
  return isFleet ? { askedBy: `fleet of ${project}` } : { askedBy: `job ${name}`, job: name };
}

/** For people: "2 large of lab and 1 small of lab". */
export function wishedFor(parts: readonly Purchase[]): string {
  return parts.map(({ site, offer, count }) => `${count} ${offer} of ${site}`).join(" and ");
}

/** What a plan means to buy. */
export function purchasesOf(considered: PlanRecord["spec"]["considered"]): Purchase[] {
  return considered.flatMap(({ site, offer, count, isPresent }) =>
    isPresent || count === 0 ? [] : [{ site, offer, count }],
  );
}

/** Buys what an approved plan says, for the job that it has become. */
export function purchasePlan(
  tx: Transaction,
  job: JobRecord,
  plan: PlanRecord,
  parts: PurchaseParts,
): void {
  const why = [`its plan ${plan.name} says so, which ${plan.status.decidedBy} approved`];
  const flip = `another plan: canopy why ${plan.name} says with which prices, boot times and deadlines that would be`;
  const { considered } = plan.spec;
  for (const part of purchasesOf(considered))
    purchase(tx, job, part, { why, flip, considered }, parts);
}
