import type { Considered, Goal, Objective, PlannedWork } from "#/model/plan.ts";
import { limits } from "#/base/limits.ts";
import { briefDuration, formatMicros, hourMs } from "#/model/units.ts";
import { planMix, type Mix } from "#/planning/mix/mix.ts";
import type { Demand } from "./step-demand.ts";
import { candidatesOf, type KnownOffer, type PresentMachine } from "./machine-types.ts";
import { problemOf, propose, type Infeasible, type Proposal } from "./propose.ts";
import { exchange, type Exchange } from "./exchange.ts";
import { purchasesOf, type Purchase } from "./purchase.ts";
import { waitForSpot, type Markets, type SpotPlans, type SpotWait } from "./wait-for-spot.ts";

/** What is known of a job with a goal at one moment. */
export interface Situation {
  readonly demand: Demand;
  /** What is left of deadline and budget. */
  readonly goal: Goal;
  readonly machines: readonly PresentMachine[];
  readonly offers: readonly KnownOffer[];
  readonly now: number;
  /** What was seen of spot offers. */
  readonly markets: Markets;
  readonly plans: SpotPlans;
  /** Whether cheaper machines may take the place of others now. */
  readonly mayExchange: boolean;
}

/** What to do now so that the goal is kept. */
export type Action =
  | { type: "none" }
  | { type: "wait"; why: string[]; flip: string }
  | ({ type: "exchange" } & Exchange)
  | { type: "buy"; parts: readonly Purchase[]; why: string[]; flip?: string; proposal: Proposal }
  | { type: "drain"; machine: string; why: string[]; rest: Mix }
  | {
      type: "miss";
      parts: readonly Purchase[];
      why: string[];
      flip: string;
      proposal?: Proposal;
    };

/** A machine is drained only when the rest is done before this share of what is left until the deadline. */
const drainShare = 0.85;
/** And only when that saves at least this share of what is still to be spent. */
const savingMin = 0.05;

/**
 * Keeps a goal: a pure function of the situation. Nothing is bought while what is there and on its way is enough
 * with run times as high as they may well be, so that what has been decided stays; a machine is drained when the rest
 * keeps the deadline with room to spare, and now and then cheaper ones are ordered in its place. A deadline that
 * cannot be kept any more is said to be missed, and what is fastest within the budget is bought.
 */
export function keepGoal(situation: Situation): Action {
  const { demand, goal, machines, offers } = situation;
  const there = candidatesOf(demand.kinds, machines, []);
  const here = planMix(problemOf(demand, goal, there));
  if ("counts" in here) {
    const { predicted } = here;
    const drained =
      goal.deadlineMs === undefined ? undefined : drainOne(demand, goal, machines, predicted);
    const exchanged =
      drained || !situation.mayExchange
        ? undefined
        : exchange(demand, goal, machines, backAgain(situation), predicted.costMicros.high);
    return drained ?? (exchanged ? { type: "exchange", ...exchanged } : { type: "none" });
  }
  // Without a deadline there is time: the budget alone is no reason to buy.
  if (goal.deadlineMs === undefined && here.reason !== "no-machine") return { type: "none" };
  const found = propose(demand, goal, machines, offers);
  const need = needOf(demand.kinds, goal, here.nearestDeadlineMs);
  if ("predicted" in found) {
    const wait = waiting(found, situation);
    if (wait) return { type: "wait", ...wait, why: [need, ...wait.why] };
    const parts = purchasesOf(found.considered);
    const flip =
      here.nearestDeadlineMs === undefined
        ? undefined
        : `with a deadline ${briefDuration(here.nearestDeadlineMs - (goal.deadlineMs ?? 0))} later nothing would have been bought`;
    return {
      type: "buy",
      parts,
      why: [need, ...whyThese(found.considered)],
      ...(flip !== undefined && { flip }),
      proposal: found,
    };
  }
  const { deadlineMs: _, ...open } = goal;
  const fastest = propose(demand, { ...open, objective: "time" }, machines, offers);
  const parts = "predicted" in fastest ? purchasesOf(fastest.considered) : [];
  const nearest = found.nearestDeadlineMs;
  const reason =
    found.reason === "too-dear"
      ? `what would keep the deadline costs more than the budget leaves`
      : found.reason === "no-machine"
        ? found.lacking
          ? `${found.lacking.atOnce} tasks must run at once, and all that is there and offered has room for ${found.lacking.places} of them`
          : "no machine that is there or offered can run what is left"
        : `no mix of what is there and offered is fast enough`;
  return {
    type: "miss",
    why: [
      need,
      reason,
      ...(nearest === undefined
        ? []
        : [`the earliest end within the budget is in ${briefDuration(nearest)}`]),
    ],
    flip: whatWouldKeep(goal, found),
    parts,
    ...("predicted" in fastest && { proposal: fastest }),
  };
}

/** The nearest goal that could be kept, as what it is beyond this one. */
function whatWouldKeep(
  { deadlineMs = 0, budgetMicros = 0 }: Goal,
  { nearestDeadlineMs, nearestBudgetMicros, nearestBoth }: Infeasible,
): string {
  const later = (ms: number) => `a deadline ${briefDuration(ms - deadlineMs)} later`;
  const more = (micros: number) => `${formatMicros(micros - budgetMicros)} more of budget`;
  const ways = [
    ...(nearestDeadlineMs === undefined ? [] : [later(nearestDeadlineMs)]),
    ...(nearestBudgetMicros === undefined || budgetMicros === 0 ? [] : [more(nearestBudgetMicros)]),
    ...(nearestBoth
      ? [`${later(nearestBoth.deadlineMs)} and ${more(nearestBoth.budgetMicros)}`]
      : []),
  ];
  return ways.length === 0
    ? "with a machine that can run what is left it could be kept"
    : `with ${ways.join(", or ")} it could be kept`;
}

/**
 * Spot offers that were sold out until a short while ago. What was there all the time was not cheaper when it was
 * asked for.
 */
function backAgain({ offers, markets, now }: Situation): KnownOffer[] {
  return offers.filter((offer) => {
    const turnedMs = offer.countMax > 0 ? markets(offer)?.changesMs.at(-1) : undefined;
    return turnedMs !== undefined && now - turnedMs < backAgainMs;
  });
}

const backAgainMs = 10 * 60_000;

/** Until the next look, and until an order that was refused has been tried again. */
const decideWithinMs = limits.goalRestMs + 2 * limits.orderRetryMs;

function waiting(found: Proposal, situation: Situation): SpotWait | undefined {
  const { demand, goal, machines, offers, now, markets, plans } = situation;
  return waitForSpot(found, goal, {
    now,
    markets,
    plans,
    decideWithinMs,
    taskMs: Math.max(...demand.kinds.map(({ meanHighMs }) => meanHighMs)),
    fastestMs: () => {
      const fastest = propose(demand, { ...goal, objective: "time" }, machines, offers);
      return "predicted" in fastest ? fastest.predicted.finishMs.high : undefined;
    },
    canStillKeep: () => {
      const deadlineMs = goal.deadlineMs! - decideWithinMs;
      return (
        deadlineMs > 0 && "predicted" in propose(demand, { ...goal, deadlineMs }, machines, offers)
      );
    },
  });
}

function needOf(kinds: readonly PlannedWork[], goal: Goal, hereMs: number | undefined): string {
  const tasks = kinds.reduce((sum, kind) => sum + kind.tasks, 0);
  const left =
    goal.deadlineMs === undefined ? "" : `, ${briefDuration(goal.deadlineMs)} before the deadline`;
  const here =
    hereMs === undefined
      ? "the machines at hand cannot end them"
      : `the machines at hand need ${briefDuration(hereMs)}`;
  return `${tasks} tasks are left${left}, and ${here}`;
}

function whyThese(considered: readonly Considered[]): string[] {
  return considered
    .filter(({ isPresent, count }) => !isPresent && count > 0)
    .map(
      ({ site, offer, slots, microsPerHour }) =>
        `${site} ${offer} runs ${slots} at once for ${((microsPerHour ?? 0) / 1e6).toFixed(4)} an hour, the least for a task among what was considered`,
    );
}

/** The dearest machine without which the deadline is kept with room to spare, and less is spent. */
function drainOne(
  demand: Demand,
  goal: Goal,
  machines: readonly PresentMachine[],
  predicted: Mix["predicted"],
): Action | undefined {
  const bought = machines.filter(({ billing, bootMs }) => billing && bootMs === 0);
  const dearest = bought.toSorted(
    (a, b) => (b.rates.microsPerHour ?? 0) - (a.rates.microsPerHour ?? 0),
  )[0];
  if (!dearest) return undefined;
  // what boots may never come: an order is refused, or taken back
  const rest = machines.filter(({ name, bootMs }) => name !== dearest.name && bootMs === 0);
  const deadlineMs = goal.deadlineMs! * drainShare;
  const without = planMix(
    problemOf(demand, { ...goal, deadlineMs }, candidatesOf(demand.kinds, rest, [])),
  );
  if (!("counts" in without)) return undefined;
  const costMicros = predicted.costMicros.high;
  const laterMs = without.predicted.finishMs.likely - predicted.finishMs.likely;
  const worth = laterMs > 0 ? worthOf(laterMs, goal.objective) : 0;
  const saving = costMicros - without.predicted.costMicros.high - worth;
  if (saving <= savingMin * costMicros) return undefined;
  return {
    type: "drain",
    machine: dearest.name,
    why: [
      `the other machines end what is left in ${briefDuration(without.predicted.finishMs.high)}, well before the deadline in ${briefDuration(goal.deadlineMs!)}`,
      `that spares ${(saving / 1e6).toFixed(4)} of what is still to be spent`,
    ],
    rest: without,
  };
}

/** What it is worth to be done so much earlier. */
function worthOf(ms: number, objective: Objective): number {
  if (typeof objective !== "string") return (ms / hourMs) * objective.microsPerHour;
  return objective === "time" ? Infinity : 0;
}
