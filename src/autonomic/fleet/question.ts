import type { Objective } from "#/model/plan.ts";
import type { FleetPolicy } from "#/model/policy.ts";
import { planMix } from "#/planning/mix/mix.ts";
import { billOf, type MachineType, type MixProblem } from "#/planning/mix/problem.ts";
import { isEnough } from "#/planning/mix/rounds.ts";
import { hourMs } from "#/model/units.ts";
import { bootMsUnknown, type KnownOffer as Offer } from "../machine-types.ts";
import { withinQuota, type CountedWork } from "../within-quota.ts";
import { startsWithin, type FleetMachine, type WaitingKind } from "./starts.ts";

/** Tasks of a kind that are to begin within a window from now. */
export interface Wanted {
  readonly kind: WaitingKind;
  readonly tasks: number;
  readonly windowMs: number;
}

/**
 * The planner's question in starts: one window is its unit of time, and what a machine begins within it are its
 * slots.
 */
export function problemOf(
  wanted: readonly Wanted[],
  types: readonly MachineType[],
  objective: Objective,
): MixProblem {
  const unit = { meanMs: 1, meanHighMs: 1, longMs: 1 };
  return {
    work: wanted.map(({ kind, tasks }) => ({ name: kind.kind, tasks, runTime: unit })),
    chainMs: 0,
    types,
    goal: { objective: objective === "time" ? "cost" : objective, deadlineMs: 1 },
  };
}

/** Machines that begin as many of each kind are one type. */
export function presentTypes(
  machines: readonly FleetMachine[],
  wanted: readonly Wanted[],
): MachineType[] {
  const groups = new Map<string, { slots: number[]; count: number }>();
  for (const { covered, ...machine } of withinQuota(wanted.map(countedOf), machines)) {
    const usable = covered ? { ...machine, capacity: covered } : machine;
    const slots = wanted.map(({ kind, windowMs }) => startsWithin(kind, usable, windowMs));
    if (slots.every((starts) => starts === 0)) continue;
    const key = slots.join();
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { slots, count: 1 });
  }
  return [...groups.values()].map(({ slots, count }) => ({
    ...free,
    name: "here",
    slots,
    countMax: count,
    isPresent: true,
  }));
}

function countedOf({ kind: { needs, driver, runMs }, tasks, windowMs }: Wanted): CountedWork {
  return { needs, driver, tasks, runMs: Math.min(runMs, windowMs), atOnce: 1 };
}

/** What one machine of an offer begins of each kind; undefined where that is nothing. */
export function typeOf(
  offer: Offer,
  wanted: readonly Wanted[],
  policy: FleetPolicy,
  countMax: number,
): MachineType | undefined {
  const machine = asMachine(offer);
  const slots = wanted.map(({ kind, windowMs }) => startsWithin(kind, machine, windowMs));
  if (slots.every((starts) => starts === 0)) return undefined;
  return {
    ...typeOfCost(offer, policy),
    slots,
    countMax: Math.min(offer.countMax, Math.max(1, countMax)),
  };
}

/** Costs, from when it is asked for until it is given back again, whatever the planner's window. */
export function typeOfCost(
  offer: Offer,
  { waitMsMax, idleMs }: FleetPolicy,
): Omit<MachineType, "slots"> {
  const { site, name, priceGranularityMs, billedMsMin, interruptionsPerHour = 0 } = offer;
  const { microsPerHour = 0, peakWatts, pue = 1, gramsPerKwh, countMax } = offer;
  const heldMs = bootMsOf(offer) + waitMsMax + idleMs;
  const price = {
    microsPerHour,
    granularityMs: Math.max(1, priceGranularityMs),
    minimumMs: billedMsMin,
    paidMs: 0,
  };
  // One that is taken away is bought again. The one more makes few machines better than many that are free.
  const again = Math.exp((interruptionsPerHour * heldMs) / hourMs);
  return {
    ...free,
    name: `${site} ${name}`,
    countMax,
    isPresent: false,
    price: constant(billOf(price, heldMs) * again + 1),
    power: peakWatts === undefined ? undefined : { watts: peakWatts * pue, gramsPerKwh },
  };
}

export function bootMsOf({ bootMs }: Offer): number {
  return bootMs?.p90 ?? bootMsUnknown;
}

function asMachine(offer: Offer): FleetMachine {
  const { name, site, capacity, labels, slowness = 1 } = offer;
  const bootMs = bootMsOf(offer);
  return { name, site, capacity, labels, drivers: undefined, bootMs, slowness, share: 1, busy: [] };
}

/** Longer than any window in which the planner counts. */
const endlessMs = 1e9;

/** A price that is the same however long the machine is held. */
function constant(micros: number): MachineType["price"] {
  return {
    microsPerHour: (micros * hourMs) / endlessMs,
    granularityMs: endlessMs,
    minimumMs: 0,
    paidMs: 0,
  };
}

const free = { bootMs: 0, speed: 1, price: constant(0), power: undefined };

/** Whether what is there begins all in time. */
export function isBegun(wanted: readonly Wanted[], there: readonly MachineType[]): boolean {
  const problem = problemOf(wanted, there, "cost");
  const counts = there.map(({ countMax }) => countMax);
  return isEnough(problem, counts, 1, "high");
}

/** Machines of each offer, which come after `present` types: those that begin all in time, or as much as can be. */
export function cheapest(problem: MixProblem, present: number): readonly number[] {
  const found = planMix(problem);
  if ("counts" in found) return found.counts.slice(present);
  const { deadlineMs: _, ...open } = problem.goal;
  const fastest = planMix({ ...problem, goal: { ...open, objective: "time" } });
  return "counts" in fastest
    ? fastest.counts.slice(present)
    : problem.types.slice(present).map(() => 0);
}

/** As if every machine that is bought cost the same. */
export function equally(problem: MixProblem): MixProblem {
  const types = problem.types.map((type) => ({ ...type, price: constant(type.isPresent ? 0 : 1) }));
  return { ...problem, types };
}

/** Within which window all begin on what is there; undefined where that is none. */
export function patienceMs(
  machines: readonly FleetMachine[],
  wanted: readonly Wanted[],
): number | undefined {
  const isEnoughIn = (windowMs: number) => {
    const longer = wanted.map((one) => ({ ...one, windowMs }));
    return isBegun(longer, presentTypes(machines, longer));
  };
  let highMs = 1000;
  while (!isEnoughIn(highMs)) {
    highMs *= 2;
    if (highMs > endlessMs) return undefined;
  }
  let lowMs = highMs / 2;
  while (highMs - lowMs > highMs / 64) {
    const middleMs = (lowMs + highMs) / 2;
    if (isEnoughIn(middleMs)) highMs = middleMs;
    else lowMs = middleMs;
  }
  return highMs;
}
