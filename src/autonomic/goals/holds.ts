import type { Considered, Goal, PlanSpec } from "#/model/plan.ts";
import { briefDuration, formatMicros } from "#/model/units.ts";
import { planMix, predict } from "#/planning/mix/mix.ts";
import { offerBreaches, type Standing } from "../holds.ts";
import { candidatesOf, type PresentMachine } from "../machine-types.ts";
import { problemOf } from "../propose.ts";
import type { Demand } from "../step-demand.ts";

/** What counts when a proposal for a job that runs is to be carried out. */
export interface ChangeStanding extends Pick<Standing, "offers" | "allowed"> {
  readonly demand: Demand;
  readonly machines: readonly PresentMachine[];
  /** Of its deadline and its budget. */
  readonly left: Goal;
}

/**
 * Why a proposal for a job that runs cannot be carried out any more; nothing when it can: what it buys is offered for
 * no more, is allowed, and does not cost more than the budget leaves; and the deadline is kept without what it
 * gives back. A pure function.
 */
export function changeBreaches(
  { considered, release }: Pick<PlanSpec, "considered" | "release">,
  standing: ChangeStanding,
): string[] {
  if (release) return releaseBreaches(release.machine, standing);
  const bought = considered.filter(({ isPresent, count }) => !isPresent && count > 0);
  const found = bought.flatMap((line) => offerBreaches(line, standing));
  return found.length > 0 ? found : budgetBreaches(considered, bought, standing);
}

function releaseBreaches(machine: string, { demand, machines, left }: ChangeStanding): string[] {
  const rest = machines.filter(({ name }) => name !== machine);
  if (rest.length === machines.length) return [`${machine} is not there any more`];
  const { budgetMicros: _, ...goal } = left;
  if (goal.deadlineMs === undefined || demand.kinds.length === 0) return [];
  const mix = planMix(problemOf(demand, goal, candidatesOf(demand.kinds, rest, [])));
  if ("counts" in mix) return [];
  const { nearestDeadlineMs } = mix;
  const when =
    nearestDeadlineMs === undefined
      ? "nothing else can run what is left"
      : `the other machines need ${briefDuration(nearestDeadlineMs)}, and its deadline is in ${briefDuration(goal.deadlineMs)}`;
  return [`without ${machine} the deadline is not kept: ${when}`];
}

function budgetBreaches(
  considered: readonly Considered[],
  bought: readonly Considered[],
  { demand, machines, offers, left }: ChangeStanding,
): string[] {
  const { budgetMicros } = left;
  if (budgetMicros === undefined || demand.kinds.length === 0) return [];
  const counts = new Map(bought.map((line) => [nameOf(line), line.count]));
  const chosen = offers.filter(({ site, name }) => counts.has(`${site} ${name}`));
  const usable = candidatesOf(demand.kinds, kept(considered, machines), chosen);
  const types = usable.filter(({ type }) => type);
  const predicted = predict(
    problemOf(demand, left, types),
    types.map(({ type, considered: line }) =>
      type!.isPresent ? type!.countMax : (counts.get(nameOf(line)) ?? 0),
    ),
  );
  if (!predicted || predicted.costMicros.high <= budgetMicros) return [];
  return [
    `what is left would cost up to ${formatMicros(predicted.costMicros.high)} with it, and ${formatMicros(Math.max(0, budgetMicros))} of its budget is left`,
  ];
}

/** Without those in whose place others are bought. */
function kept(
  considered: readonly Considered[],
  machines: readonly PresentMachine[],
): PresentMachine[] {
  const dropped = new Map<string, number>();
  for (const line of considered)
    if (line.isPresent)
      dropped.set(nameOf(line), (dropped.get(nameOf(line)) ?? 0) + line.countMax - line.count);
  return machines.filter((machine) => {
    const left = dropped.get(nameOf(machine)) ?? 0;
    if (machine.billing === undefined || left === 0) return true;
    dropped.set(nameOf(machine), left - 1);
    return false;
  });
}

function nameOf({ site, offer }: { site: string; offer: string }): string {
  return `${site} ${offer}`;
}
