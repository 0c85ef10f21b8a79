import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import type { Random } from "#/base/random.ts";
import type { JobRecord } from "#/model/job.ts";
import type { OrderSpec } from "#/model/order.ts";
import type { PlanRecord } from "#/model/plan.ts";
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

/** One decision for all machines of an offer, and an order for each. Nothing where the offer is gone. */
export function purchase(
  tx: Transaction,
  payer: Payer,
  { site, offer: name, count }: Purchase,
  reasons: { why: readonly string[]; flip?: string },
  { offers, clock, random }: PurchaseParts,
): void {
  const offer = offers.find((one) => one.site === site && one.name === name);
  if (!offer) return;
  const at = clock.now();
  for (let number = 0; number < count; number++) {
    tx.put<"order">({
      kind: "order",
      project: payer.project,
      name: newId("o", clock, random),
      spec: { site, offer, orderedAt: at, ...askedBy(payer) },
      status: { phase: "ordered", since: at },
    });
  }
  decide(tx, payer, {
    at,
    action: "buy",
    what: `ordered ${count} ${name} of ${site}`,
    ...reasons,
    subject: `${site} ${name}`,
  });
}

function askedBy({ name, project, isFleet = false }: Payer): Pick<OrderSpec, "askedBy" | "job"> {
  return isFleet ? { askedBy: `fleet of ${project}` } : { askedBy: `job ${name}`, job: name };
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
  for (const part of purchasesOf(plan.spec.considered)) purchase(tx, job, part, { why }, parts);
}
