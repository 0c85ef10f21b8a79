import type { JobHold } from "#/model/job.ts";
import { costOfMachine } from "#/model/order.ts";
import type { Goal } from "#/model/plan.ts";
import { formatMicros } from "#/model/units.ts";
import { offerBreaches, type Standing } from "./holds.ts";
import { bootMsUnknown } from "./machine-types.ts";
import type { Purchase } from "./purchase.ts";

/**
 * What a job that has waited buys now, of what its plan said hours ago: what is still offered for no more, allowed, and
 * within what is left of its budget for as long as the work takes. Why the others are not is told in sentences; the loop
 * buys what is missing then. A pure function.
 */
export function heldPurchases(
  { buys = [], workMs }: Pick<JobHold, "buys" | "workMs">,
  { offers, allowed, left }: Pick<Standing, "offers" | "allowed"> & { left: Goal },
): { parts: Purchase[]; without: string[] } {
  let leftMicros = left.budgetMicros ?? Infinity;
  const parts: Purchase[] = [];
  const without: string[] = [];
  for (const { offer, count } of buys) {
    const { site, name, microsPerHour, bootMs } = offer;
    const found = offerBreaches({ site, offer: name, count, microsPerHour }, { offers, allowed });
    const each = costOfMachine(offer, (bootMs?.p90 ?? bootMsUnknown) + workMs) ?? Infinity;
    if (found.length === 0 && count * each > leftMicros)
      found.push(
        `${count} ${name} of ${site} would cost up to ${formatMicros(Math.round(count * each))}, and ${formatMicros(Math.max(0, leftMicros))} of its budget is left`,
      );
    without.push(...found.map((why) => `what its plan takes is not bought: ${why}`));
    if (found.length > 0) continue;
    leftMicros -= count * each;
    parts.push({ site, offer: name, count });
  }
  return { parts, without };
}
