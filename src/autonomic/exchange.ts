import { limits } from "#/base/limits.ts";
import type { Goal } from "#/model/plan.ts";
import { formatMicros, hourMs } from "#/model/units.ts";
import { planMix } from "#/planning/mix/mix.ts";
import type { MachineType } from "#/planning/mix/problem.ts";
import { candidatesOf, type KnownOffer, type PresentMachine } from "./machine-types.ts";
import { answerOf, problemOf, type Proposal } from "./propose.ts";
import { wishedFor, type Purchase } from "./purchase.ts";
import type { Demand } from "./step-demand.ts";

export interface Exchange {
  readonly parts: readonly Purchase[];
  readonly why: string[];
  readonly flip: string;
  readonly proposal: Proposal;
}

/**
 * What to order, of these offers, in place of machines that were bought when nothing cheaper was to be had: as when
 * spot machines that were sold out are there again. Undefined where that saves too little of what is still to be
 * spent, with what those cost that it replaces until the new ones have booted. They are given back, as any machine
 * is that is not needed any more, once the others are there. A pure function.
 */
export function exchange(
  demand: Demand,
  goal: Goal,
  machines: readonly PresentMachine[],
  offers: readonly KnownOffer[],
  hereMicros: number,
): Exchange | undefined {
  if (offers.length === 0 || goal.deadlineMs === undefined || goal.objective !== "cost")
    return undefined;
  const isBought = ({ billing }: PresentMachine) => billing !== undefined;
  const bought = candidatesOf(demand.kinds, machines.filter(isBought), []);
  if (bought.length === 0) return undefined;
  const own = candidatesOf(
    demand.kinds,
    machines.filter((one) => !isBought(one)),
    [],
  );
  const optional = bought.map(({ type, ...rest }) => ({
    ...rest,
    ...(type && { type: { ...type, isPresent: false } }),
  }));
  const candidates = [...own, ...optional, ...candidatesOf(demand.kinds, [], offers)];
  const problem = problemOf(demand, goal, candidates);
  const mix = planMix(problem);
  if (!("counts" in mix)) return undefined;
  const proposal = answerOf({ candidates, problem }, mix) as Proposal;
  const lines = candidates
    .flatMap(({ considered, type }) => (type ? [{ considered, type }] : []))
    .map((line, at) => ({ ...line, count: mix.counts[at]! }));
  const ordered = lines.filter(({ considered, count }) => !considered.isPresent && count > 0);
  if (ordered.length === 0) return undefined;
  const parts = ordered.map(({ considered: { site, offer }, count }) => ({ site, offer, count }));
  const bootMs = Math.max(...ordered.map(({ type }) => type.bootMs));
  const dropped = lines.filter(({ considered, type }) => considered.isPresent && !type.isPresent);
  const meanwhile = dropped.reduce(
    (sum, { type, count }) => sum + (type.countMax - count) * costFor(type, bootMs),
    0,
  );
  const micros = mix.predicted.costMicros.high + meanwhile;
  const saving = hereMicros - micros;
  if (saving < limits.exchangeSavingMin * hereMicros || micros > (goal.budgetMicros ?? Infinity))
    return undefined;
  const names = wishedFor(parts);
  return {
    parts,
    why: [
      `what is there would cost up to ${formatMicros(Math.round(hereMicros))} more until the end, and with ${names} that is ${formatMicros(Math.round(micros))}, the change counted`,
    ],
    flip: `were it to save less than ${formatMicros(Math.round(limits.exchangeSavingMin * hereMicros))} it would not have been ordered`,
    proposal,
  };
}

function costFor({ price }: MachineType, ms: number): number {
  return (price.microsPerHour * ms) / hourMs;
}
