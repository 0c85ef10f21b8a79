import { ageClassHours, ageClassOf, expectedHours, survivalChance } from "./hazard.ts";
import type { SpotPlan } from "./plan.ts";
import { marketState, valueAt, type SpotTable } from "./table.ts";
import { hourMs } from "#/model/units.ts";

export interface SpotState {
  nowMs: number;
  deadlineMs: number;
  workLeftMs: number;
  /** The next decision is made at most so much later. */
  decideWithinMs: number;
  /** The machine held now; undefined when there is none, or it was lost. */
  running:
    | { market: "spot"; zone: string; changeoverLeftMs: number }
    | { market: "on-demand"; changeoverLeftMs: number }
    | undefined;
  /** Of the zones of the plan, whether a spot machine can be had (or kept) there, and since when it is so. */
  zones: readonly { zone: string; available: boolean; sinceMs: number }[];
}

export interface SpotDecision {
  run: "spot" | "on-demand" | "wait";
  /** Where, for spot. */
  zone: string | undefined;
  why: {
    /**
     * "guard": only an on-demand machine, now, is sure to be done in time. "late": not even that. "no-spot": no
     * zone sells for less. "cheapest": of what is safe, it is expected to cost least.
     */
    reason: "guard" | "late" | "no-spot" | "cheapest";
    /** Time left less work left. */
    slackMs: number;
    /** What slack must not fall below without an on-demand machine: its changeover, and the time to the next decision. */
    guardMs: number;
    /** Expected money until the work is done, by what is done now; only what is safe is there. */
    costs: { spot?: number; "on-demand"?: number; wait?: number };
    /** The best zone that is available, and how long it is expected to stay so. */
    best: { zone: string; expectedMs: number } | undefined;
  };
}

/**
 * What to do until the next decision: run on spot (in which zone), run on-demand, or wait for spot.
 *
 * Never late: it holds no on-demand machine only while one that is ordered at the next decision would still be done in
 * time, even if nothing is done until then and what was not saved is lost. So with at least a changeover of slack at
 * the beginning, and decisions as often as promised, the deadline is met whatever the spot market does.
 */
export function decideSpot(plan: SpotPlan, state: SpotState): SpotDecision {
  const { nowMs, deadlineMs, workLeftMs, decideWithinMs, running } = state;
  const slackMs = deadlineMs - nowMs - workLeftMs;
  const changeoverMs = plan.changeoverMs + plan.lossMs;
  const guardMs = changeoverMs + decideWithinMs;
  const best = bestZone(plan, state);
  const why = { slackMs, guardMs, costs: {}, best };
  const onDemand = { run: "on-demand", zone: undefined } as const;
  const onDemandLeftMs =
    running?.market === "on-demand" ? running.changeoverLeftMs : plan.changeoverMs;
  if (slackMs < onDemandLeftMs) return { ...onDemand, why: { ...why, reason: "late" } };
  if (plan.table === undefined) return { ...onDemand, why: { ...why, reason: "no-spot" } };
  if (slackMs < guardMs) return { ...onDemand, why: { ...why, reason: "guard" } };
  const costs = costsOf(plan, plan.table, state, best);
  // To begin on spot takes a changeover of slack, and leaves one.
  const keeps = running?.market === "spot" && running.zone === best?.zone;
  if (!keeps && slackMs < guardMs + plan.changeoverMs) delete costs.spot;
  const run = cheapest(costs, running?.market ?? "wait");
  const zone = run === "spot" ? best!.zone : undefined;
  return { run, zone, why: { ...why, costs, reason: "cheapest" } };
}

type Costs = SpotDecision["why"]["costs"];

/** Of equal costs, that of going on as it is. */
function cheapest(costs: Costs, current: "spot" | "on-demand" | "wait"): SpotDecision["run"] {
  let found = costs[current] === undefined ? "wait" : current;
  for (const run of ["spot", "on-demand", "wait"] as const)
    if ((costs[run] ?? Infinity) < costs[found]!) found = run;
  return found;
}

/** Expected money of each way to spend the time until the next decision, followed by the best ways after it. */
function costsOf(
  plan: SpotPlan,
  table: SpotTable,
  state: SpotState,
  best: SpotDecision["why"]["best"],
): Costs {
  const { running } = state;
  const work = state.workLeftMs / hourMs;
  const slack = (state.deadlineMs - state.nowMs) / hourMs - work;
  const changeover = (plan.changeoverMs + plan.lossMs) / hourMs;
  const step = Math.min(state.decideWithinMs / hourMs, work);
  const { available, ageClass } = marketNow(plan, table, state, best);
  const market = marketState(available, ageClass);
  const changed = marketState(!available, 0);
  const rate = (available ? table.hazards.available : table.hazards.unavailable)[ageClass]!;
  const later = (values: Float32Array, workHours: number, slackHours: number) => {
    const changes = 1 - Math.exp(-rate * step);
    return (
      changes * valueAt(table, values, workHours, slackHours, changed) +
      (1 - changes) * valueAt(table, values, workHours, slackHours, market)
    );
  };
  const goOn = (values: Float32Array, price: number, changeoverHours: number) =>
    changeoverHours > 0
      ? price * changeoverHours + valueAt(table, values, work, slack - changeoverHours, market)
      : price * step + later(values, work - step, slack);
  const costs: Costs = {
    wait: later(table.nothing, work, slack - step),
    "on-demand": goOn(
      table.onDemand,
      1,
      running?.market === "on-demand" ? running.changeoverLeftMs / hourMs : changeover,
    ),
  };
  if (best !== undefined) {
    const { pricePerHour, hazards } = plan.zones.get(best.zone)!;
    const price = pricePerHour / plan.onDemandPricePerHour;
    const lastsHours = best.expectedMs / hourMs;
    const dearer = (price - plan.spotPrice) * Math.min(work, lastsHours);
    if (running?.market === "spot" && running.zone === best.zone)
      costs.spot = dearer + goOn(table.spot, plan.spotPrice, running.changeoverLeftMs / hourMs);
    else {
      // Lost before it works, it is tried in another zone if there is one.
      const alone = !state.zones.some((other) => other.available && other.zone !== best.zone);
      const { sinceMs } = state.zones.find(({ zone }) => zone === best.zone)!;
      const zoneAgeHours = Math.max(0, state.nowMs - sinceMs) / hourMs;
      const survives = survivalChance(hazards.available, zoneAgeHours, changeover);
      const older = marketState(true, Math.max(ageClass, ageClassOf(zoneAgeHours + changeover)));
      const begun = valueAt(table, table.spot, work, slack - changeover, older);
      const [halfWay, gone] = [changeover / 2, marketState(!alone, alone ? 0 : ageClass)];
      const isLost = valueAt(table, table.nothing, work, slack - halfWay, gone);
      costs.spot =
        dearer +
        survives * (plan.spotPrice * changeover + begun) +
        (1 - survives) * (plan.spotPrice * halfWay + isLost);
    }
  }
  for (const run of ["spot", "on-demand", "wait"] as const)
    if (costs[run] !== undefined) costs[run] *= plan.onDemandPricePerHour;
  return costs;
}

/**
 * Of the zones that are available, the one whose hour of work is expected to cost least, with the changeover
 * spread over the time that it is expected to last. Moving away from where it runs costs a changeover more.
 */
function bestZone(plan: SpotPlan, state: SpotState): SpotDecision["why"]["best"] {
  const changeoverHours = (plan.changeoverMs + plan.lossMs) / hourMs;
  const workHours = state.workLeftMs / hourMs;
  let found: SpotDecision["why"]["best"];
  let leastCost = Infinity;
  for (const { zone, available, sinceMs } of state.zones) {
    const known = plan.zones.get(zone);
    if (known === undefined || !available) continue;
    const ageHours = Math.max(0, state.nowMs - sinceMs) / hourMs;
    const hours = expectedHours(known.hazards.available, ageHours);
    const here = state.running?.market === "spot" && state.running.zone === zone;
    const cost = known.pricePerHour * (here ? 1 : 1 + changeoverHours / Math.min(hours, workHours));
    if (cost >= leastCost && !(here && cost === leastCost)) continue;
    leastCost = cost;
    found = { zone, expectedMs: hours * hourMs };
  }
  return found;
}

/**
 * The zones as one: available since the first of those that are, or not since the last one ceased to be. It
 * stays available for at least as long as the best zone, so it counts as old enough to be expected to.
 */
function marketNow(
  plan: SpotPlan,
  table: SpotTable,
  state: SpotState,
  best: SpotDecision["why"]["best"],
): { available: boolean; ageClass: number } {
  const zones = state.zones.filter(({ zone }) => plan.zones.has(zone));
  const open = zones.filter((zone) => zone.available);
  const sinceMs =
    best === undefined
      ? Math.max(...zones.map((zone) => zone.sinceMs))
      : Math.min(...open.map((zone) => zone.sinceMs));
  const ageHours = Math.max(0, state.nowMs - sinceMs) / hourMs;
  let ageClass = ageClassOf(ageHours);
  if (best === undefined) return { available: false, ageClass };
  const expected = (age: number) =>
    expectedHours(table.hazards.available, Math.max(ageHours, ageClassHours[age]!)) * hourMs;
  // Half a second: of the same rates, the same sum.
  while (ageClass + 1 < ageClassHours.length && expected(ageClass) < best.expectedMs - 500)
    ageClass++;
  return { available: true, ageClass };
}
