import type { Considered, Goal } from "#/model/plan.ts";
import { briefDuration, briefPercent, formatMicros } from "#/model/units.ts";
import type { AvailabilityHistory } from "#/planning/spot/availability.ts";
import { decideSpot } from "#/planning/spot/decide.ts";
import { planSpot, type SpotPlan, type SpotQuestion, type SpotZone } from "#/planning/spot/plan.ts";
import type { KnownOffer } from "./machine-types.ts";
import type { Proposal } from "./propose.ts";

/**
 * A plan for spot machines takes tens of milliseconds to make, and holds while the same was seen and less work is
 * left.
 */
export class SpotPlans {
  #last: { key: string; workMs: number; plan: SpotPlan } | undefined;

  of(question: SpotQuestion): SpotPlan {
    const { zones, workMs } = question;
    const key = JSON.stringify(
      zones.map(({ zone, pricePerHour, history }) => [
        zone,
        pricePerHour,
        history.changesMs.length,
      ]),
    );
    const last = this.#last;
    // With much less work left its steps would be too large.
    if (last?.key === key && workMs <= last.workMs && workMs > last.workMs / coarse)
      return last.plan;
    const plan = planSpot(question);
    this.#last = { key, workMs, plan };
    return plan;
  }
}

const coarse = 4;

/** What was seen of spot offers, until now. */
export type Markets = (offer: Pick<KnownOffer, "site" | "name">) => AvailabilityHistory | undefined;

export interface SpotWait {
  readonly why: string[];
  readonly flip: string;
}

/**
 * Whether to wait for spot machines instead of ordering what a proposal means to: where it takes on-demand ones,
 * cheaper spot ones are sold out now, and by what was seen of them it is expected to cost less to wait. A pure function.
 *
 * Never late: it waits only while machines that are ordered at the next look, within `decideWithinMs`, still keep the
 * deadline; that is asked of the planner too, by `canStillKeep`.
 */
export function waitForSpot(
  { considered }: Proposal,
  { deadlineMs, objective }: Goal,
  at: {
    now: number;
    markets: Markets;
    plans: SpotPlans;
    decideWithinMs: number;
    /** Of one task: what is lost with a machine. */
    taskMs: number;
    /** From now until all is done with as many machines as there can be; undefined where that is not known. */
    fastestMs: () => number | undefined;
    canStillKeep: () => boolean;
  },
): SpotWait | undefined {
  if (deadlineMs === undefined || objective !== "cost") return undefined;
  const bought = considered.filter(({ isPresent, count }) => !isPresent && count > 0);
  const onDemand = bought.filter(({ market }) => market === "on-demand");
  const dearest = Math.max(...onDemand.map(perSlot));
  const soldOut = considered.filter(
    (line) =>
      line.market === "spot" && line.countMax <= 0 && line.slots > 0 && perSlot(line) < dearest,
  );
  if (onDemand.length === 0 || soldOut.length === 0) return undefined;
  const { now, markets, decideWithinMs } = at;
  const zones = soldOut.flatMap((line) => {
    const history = markets({ site: line.site, name: line.offer });
    return history ? [zoneOf(line, history)] : [];
  });
  if (zones.length === 0) return undefined;
  const fastestMs = at.fastestMs();
  if (fastestMs === undefined) return undefined;
  const changeoverMs = Math.max(...onDemand.map(({ bootMs }) => bootMs ?? 0));
  const workMs = fastestMs - changeoverMs;
  // So little is left that ordering anything again costs more than it.
  if (workMs <= changeoverMs + at.taskMs) return undefined;
  const plan = at.plans.of({
    zones,
    onDemandPricePerHour: dearest,
    workMs,
    windowMs: deadlineMs,
    changeoverMs,
    lossMs: at.taskMs,
  });
  const decision = decideSpot(plan, {
    nowMs: now,
    deadlineMs: now + deadlineMs,
    workLeftMs: workMs,
    decideWithinMs,
    running: undefined,
    zones: zones.map(({ zone, history }) => ({
      zone,
      available: false,
      sinceMs: sinceOf(history),
    })),
  });
  if (decision.run !== "wait" || !at.canStillKeep()) return undefined;
  const { costs, slackMs, guardMs } = decision.why;
  const [first] = onDemand;
  const price = Math.min(...soldOut.map(perSlot));
  return {
    why: [
      `${soldOut.map(({ site, offer }) => `${site} ${offer}`).join(", ")} is sold out, and costs ${formatMicros(Math.round(price))} an hour for what ${first!.site} ${first!.offer} does for ${formatMicros(Math.round(dearest))}`,
      `${briefDuration(slackMs)} can be waited, of which ${briefDuration(guardMs)} are kept; by what was seen of the market waiting is expected to cost ${briefPercent(1 - costs.wait! / costs["on-demand"]!)} less than ordering now`,
    ],
    flip: `with a deadline ${briefDuration(Math.max(0, slackMs - guardMs))} earlier it would have been ordered now`,
  };
}

function zoneOf({ site, offer, ...line }: Considered, history: AvailabilityHistory): SpotZone {
  return { zone: `${site} ${offer}`, pricePerHour: perSlot({ site, offer, ...line }), history };
}

/** Of a machine, for each task that it runs at once. */
function perSlot({ microsPerHour, slots }: Considered): number {
  return (microsPerHour ?? Infinity) / Math.max(1, slots);
}

function sinceOf({ fromMs, changesMs }: AvailabilityHistory): number {
  return changesMs.at(-1) ?? fromMs;
}
