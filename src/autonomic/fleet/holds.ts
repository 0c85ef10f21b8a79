import { hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { PlanSpec } from "#/model/plan.ts";
import type { FleetPolicy } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import { formatMicros } from "#/model/units.ts";
import { offerBreaches, type Standing } from "../holds.ts";
import { purchasesOf } from "../purchase.ts";
import { hourlyMax, hourOf } from "./bill.ts";

/** What counts when a plan for a project's shared machines is to be carried out. */
export interface FleetStanding extends Pick<Standing, "offers" | "allowed"> {
  readonly policy: FleetPolicy | undefined;
  /** Of the fleet: open, or ended lately. */
  readonly orders: readonly OrderRecord[];
  readonly now: number;
}

/**
 * Why a plan for a project's shared machines cannot be carried out as it was shown; nothing when it can: what it
 * buys is offered for no more, and allowed, and it keeps within the bounds of the policy. A pure function.
 */
export function fleetBreaches(
  { considered, fleet }: Pick<PlanSpec, "considered" | "fleet">,
  { policy, offers, allowed, orders, now }: FleetStanding,
): string[] {
  const bought = considered.filter(({ isPresent, count }) => !isPresent && count > 0);
  if (!policy) return bought.length > 0 ? ["the project's policy has no fleet any more"] : [];
  const found = bought.flatMap((line) => offerBreaches(line, { offers, allowed }));
  const given = new Set(fleet!.gives.map(({ order }) => order));
  const rest = orders.filter((order) => !hasOrderEnded(order) && !given.has(order.name));
  const more = purchasesOf(considered).reduce((sum, { count }) => sum + count, 0);
  const { machinesMin, machinesMax, budgetMicrosPerHour = Infinity } = policy;
  if (more > 0 && rest.length + more > machinesMax)
    found.push(`there would be ${rest.length + more} machines, and machinesMax is ${machinesMax}`);
  if (given.size > 0 && rest.length + more < machinesMin)
    found.push(`there would be ${rest.length + more} machines, and machinesMin is ${machinesMin}`);
  if (more === 0 || budgetMicrosPerHour === Infinity || found.length > 0) return found;
  const offerOf = (site: string, name: string): Offer | undefined =>
    offers.find((one) => one.site === site && one.name === name);
  const hour = bought.reduce(
    (sum, { site, offer, count }) => sum + count * (hourlyMax(offerOf(site, offer)!) ?? Infinity),
    hourOf(orders, now) ?? Infinity,
  );
  if (hour > budgetMicrosPerHour)
    found.push(
      `an hour could cost ${formatMicros(hour)}, and budgetPerHour is ${formatMicros(budgetMicrosPerHour)}`,
    );
  return found;
}
