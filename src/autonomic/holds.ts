import type { Goal, PlanRecord } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { briefDuration, formatMicros } from "#/model/units.ts";
import { predict } from "#/planning/mix/mix.ts";
import type { Demand } from "./step-demand.ts";
import { candidatesOf, type KnownOffer, type PresentMachine } from "./machine-types.ts";
import { problemOf, unpricedIn } from "./propose.ts";

/** What is there, what is offered and what is allowed at the moment at which a plan is to be carried out. */
export interface Standing {
  readonly machines: readonly PresentMachine[];
  readonly offers: readonly KnownOffer[];
  readonly allowed: (offer: Offer) => string | undefined;
  /** What is to run, as far as it is known now. */
  readonly demand: Demand;
}

/**
 * Why a plan cannot be carried out as it was shown; nothing when it can: what it takes is still offered,
 * for no more, in that number, and allowed; the machines that it counts on are there; and with them and what
 * is known of the work now, deadline and budget are kept. A pure function.
 */
export function breachesOf({ considered, goal }: PlanRecord["spec"], standing: Standing): string[] {
  const taken = considered.filter(({ count }) => count > 0);
  const bought = taken.filter(({ isPresent }) => !isPresent);
  const facts = [
    ...bought.flatMap((line) => offerBreaches(line, standing)),
    ...machineBreaches(
      taken.filter(({ isPresent }) => isPresent),
      standing,
    ),
  ];
  return facts.length > 0 ? facts : goalBreaches(bought, goal, standing);
}

type Taken = PlanRecord["spec"]["considered"][number];

/** Why an offer cannot be taken as it was planned. */
export function offerBreaches(
  line: Pick<Taken, "site" | "offer" | "count" | "microsPerHour">,
  { offers, allowed }: Pick<Standing, "offers" | "allowed">,
): string[] {
  const name = `${line.site} ${line.offer}`;
  const offer = offers.find((one) => one.site === line.site && one.name === line.offer);
  if (!offer) return [`${name} is not offered any more`];
  const found: string[] = [];
  const { microsPerHour, countMax } = offer;
  if (microsPerHour === undefined) found.push(`the price of ${name} is not known any more`);
  else if (microsPerHour > (line.microsPerHour ?? 0))
    found.push(
      `${name} costs ${formatMicros(microsPerHour)} an hour, and ${formatMicros(line.microsPerHour ?? 0)} when it was planned`,
    );
  if (countMax < line.count)
    found.push(`${countMax} of ${name} are offered, and the plan takes ${line.count}`);
  const forbidden = allowed(offer);
  if (forbidden !== undefined) found.push(`${name}: ${forbidden}`);
  return found;
}

function machineBreaches(taken: readonly Taken[], { machines }: Standing): string[] {
  const nameOf = ({ site, offer }: { site: string; offer: string }) => `${site} ${offer}`;
  const there = Map.groupBy(machines, nameOf);
  return [...Map.groupBy(taken, nameOf)].flatMap(([name, lines]) => {
    const planned = lines.reduce((sum, { count }) => sum + count, 0);
    const count = there.get(name)?.length ?? 0;
    return count >= planned
      ? []
      : [`${count} of ${name} are there, and the plan counts on ${planned}`];
  });
}

function goalBreaches(
  bought: readonly Taken[],
  goal: Goal,
  { demand, machines, offers }: Standing,
): string[] {
  const counts = new Map(bought.map(({ site, offer, count }) => [`${site} ${offer}`, count]));
  const chosen = offers.filter(({ site, name }) => counts.has(`${site} ${name}`));
  const usable = candidatesOf(demand.kinds, machines, chosen).filter(({ type }) => type);
  const problem = problemOf(demand, goal, usable);
  const unpriced = unpricedIn({ candidates: usable, problem })?.unpriced;
  if (unpriced !== undefined)
    return [`its tasks may run on ${unpriced}, and nobody knows what that costs`];
  const predicted = predict(
    problem,
    usable.map(({ type, considered: { site, offer } }) =>
      type!.isPresent ? type!.countMax : (counts.get(`${site} ${offer}`) ?? 0),
    ),
  );
  if (!predicted) return ["its machines cannot run all of its tasks any more"];
  const { finishMs, costMicros } = predicted;
  const { deadlineMs = Infinity, budgetMicros = Infinity } = goal;
  return [
    ...(finishMs.high > deadlineMs
      ? [
          `it would be done in ${briefDuration(finishMs.high)} now, and its deadline is ${briefDuration(deadlineMs)}`,
        ]
      : []),
    ...(costMicros.high > budgetMicros
      ? [
          `it would cost up to ${formatMicros(costMicros.high)} now, and its budget is ${formatMicros(budgetMicros)}`,
        ]
      : []),
  ];
}
