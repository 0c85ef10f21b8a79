import type { JobHold, JobRecord } from "#/model/job.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { briefPercent } from "#/model/units.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "../decide.ts";
import { purchasePlan, purchasesOf, type PurchaseParts } from "../purchase.ts";
import { instantOf } from "./sentences.ts";

/**
 * Carries out what an approved plan says, for the job that it has become: buys, or lets it wait for cleaner
 * power first.
 */
export function beginPlan(
  tx: Transaction,
  job: JobRecord,
  plan: PlanRecord,
  parts: PurchaseParts,
): void {
  const { shift, considered } = plan.spec;
  if (!shift) return purchasePlan(tx, job, plan, parts);
  const { until, savingShare, why, flip } = shift;
  const workMs = shift.workMs.high;
  const buys = purchasesOf(considered).flatMap(({ site, offer: name, count }) => {
    const offer = parts.offers.find((one) => one.site === site && one.name === name);
    return offer ? [{ offer, count }] : [];
  });
  const since = parts.clock.now();
  const held = { since, until, savingShare, workMs, why, flip, ...(buys.length > 0 && { buys }) };
  tx.put<"job">({ ...job, status: { ...job.status, held } });
  tellHold(tx, job, held, since, "waits");
}

/** That a job waits, or until another hour than was said. */
export function tellHold(
  tx: Transaction,
  job: JobRecord,
  { until, savingShare, why, flip }: JobHold,
  at: number,
  how: "waits" | "moved",
): void {
  const what = `${how === "waits" ? "lets it wait" : "now lets it wait"} until ${instantOf(until)} for cleaner power, ${briefPercent(savingShare)} less CO2`;
  decide(tx, job, { at, action: "shift", what, why, flip });
}
