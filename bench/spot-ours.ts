import type { AvailabilityHistory } from "#/planning/spot/availability.ts";
import { decideSpot, type SpotState } from "#/planning/spot/decide.ts";
import { planSpot, type SpotPlan } from "#/planning/spot/plan.ts";
import type { Market, Policy, Terms, View } from "./spot-market.ts";

/**
 * Canopy's own policy over a market: it learns from the trace up to the midnight before, and decides by that and the
 * present. Plans of one day serve all work, so they are kept; they are made for the most work and window.
 */
export class OurPolicy {
  readonly #market: Market;
  readonly #most: Terms;
  readonly #plans = new Map<number, SpotPlan>();
  readonly #sinceTick: Int32Array[];
  readonly #ticksADay: number;
  #plansMs = 0;

  constructor(market: Market, most: Terms) {
    this.#market = market;
    this.#most = most;
    this.#ticksADay = Math.round(dayMs / market.tickMs);
    this.#sinceTick = market.zones.map(({ available }) => {
      const since = new Int32Array(market.ticks);
      for (let tick = 1; tick < market.ticks; tick++)
        since[tick] = available[tick] === available[tick - 1] ? since[tick - 1]! : tick;
      return since;
    });
  }

  /** How many plans were made, and the time that all took. */
  get planned(): { count: number; tookMs: number } {
    return { count: this.#plans.size, tookMs: this.#plansMs };
  }

  readonly decide: Policy = (view) => {
    const { run, zone } = decideSpot(this.#planAt(view.tick), this.#stateAt(view));
    if (run === "wait") return "none";
    if (run === "on-demand") return "on-demand";
    return this.#market.zones.findIndex((known) => known.zone === zone);
  };

  #stateAt({ tick, workLeft, timeLeft, holds, changeoverLeft, isAvailable }: View): SpotState {
    const { tickMs, zones } = this.#market;
    const changeoverLeftMs = changeoverLeft * tickMs;
    return {
      nowMs: tick * tickMs,
      deadlineMs: (tick + timeLeft) * tickMs,
      workLeftMs: workLeft * tickMs,
      decideWithinMs: tickMs,
      running:
        holds === "none"
          ? undefined
          : holds === "on-demand"
            ? { market: "on-demand", changeoverLeftMs }
            : { market: "spot", zone: zones[holds]!.zone, changeoverLeftMs },
      zones: zones.map(({ zone }, index) => ({
        zone,
        available: isAvailable(index),
        sinceMs: this.#sinceTick[index]![tick]! * tickMs,
      })),
    };
  }

  #planAt(tick: number): SpotPlan {
    const day = Math.floor(tick / this.#ticksADay);
    const kept = this.#plans.get(day);
    if (kept !== undefined) return kept;
    const begun = performance.now();
    const { tickMs, zones } = this.#market;
    const { workTicks, windowTicks, changeoverTicks, spotPrice } = this.#most;
    const plan = planSpot({
      zones: zones.map(({ zone, available }) => ({
        zone,
        pricePerHour: spotPrice,
        history: historyOf(available, tickMs, day * this.#ticksADay),
      })),
      onDemandPricePerHour: 1,
      workMs: workTicks * tickMs,
      windowMs: windowTicks * tickMs,
      changeoverMs: changeoverTicks * tickMs,
      lossMs: 0,
    });
    this.#plansMs += performance.now() - begun;
    this.#plans.set(day, plan);
    return plan;
  }
}

function historyOf(available: Uint8Array, tickMs: number, untilTick: number): AvailabilityHistory {
  const changesMs: number[] = [];
  for (let tick = 1; tick < untilTick; tick++)
    if (available[tick] !== available[tick - 1]) changesMs.push(tick * tickMs);
  return { fromMs: 0, untilMs: untilTick * tickMs, availableFirst: available[0] === 1, changesMs };
}

const dayMs = 86_400_000;
