import { CanopyError } from "#/base/errors.ts";
import { stretchesOf, unionOf, type AvailabilityHistory } from "./availability.ts";
import { learnHazards, type Hazards } from "./hazard.ts";
import { tabulate, type SpotTable } from "./table.ts";
import { hourMs } from "#/model/units.ts";

/** A zone that sells spot machines, and what was seen there until now. */
export interface SpotZone {
  zone: string;
  /** Money per hour, in any one currency. */
  pricePerHour: number;
  history: AvailabilityHistory;
}

export interface SpotQuestion {
  zones: readonly SpotZone[];
  /** On-demand machines are always to be had, and stay. */
  onDemandPricePerHour: number;
  /** On one machine. */
  workMs: number;
  /** Until the deadline. */
  windowMs: number;
  /** From the order of a machine to the work going on there: boot, and loading what was saved. */
  changeoverMs: number;
  /** The most work that is done again when a machine is lost: the time between saves. */
  lossMs: number;
}

/** What is known for all decisions to come; made again, say once a day, as more is seen. */
export interface SpotPlan {
  zones: ReadonlyMap<string, { pricePerHour: number; hazards: Hazards }>;
  onDemandPricePerHour: number;
  /** Of spot on average over zones and time, as a share of the on-demand price. */
  spotPrice: number;
  changeoverMs: number;
  lossMs: number;
  /** Undefined when no zone sells for less than on-demand. */
  table: SpotTable | undefined;
}

/**
 * Learns from what was seen of the zones, and solves what follows for all that may come: a table for
 * `decideSpot()`. Takes tens of milliseconds. Zones that cost as much as on-demand are left out.
 * Throws CanopyError "invalid" for prices and times that are not above 0 (changeover and loss may be 0).
 */
export function planSpot(question: SpotQuestion): SpotPlan {
  const { onDemandPricePerHour, workMs, windowMs, changeoverMs, lossMs } = question;
  mustBeAbove(0, { onDemandPricePerHour, workMs, windowMs });
  mustBeAbove(-Number.MIN_VALUE, { changeoverMs, lossMs });
  const zones = question.zones.filter(({ pricePerHour }) => pricePerHour < onDemandPricePerHour);
  const spotPrice = meanPrice(zones) / onDemandPricePerHour;
  return {
    zones: new Map(
      zones.map(({ zone, pricePerHour, history }) => [
        zone,
        { pricePerHour, hazards: learnHazards(history) },
      ]),
    ),
    onDemandPricePerHour,
    spotPrice,
    changeoverMs,
    lossMs,
    table: zones.length === 0 ? undefined : tableOf(question, zones, spotPrice),
  };
}

function tableOf(
  { workMs, windowMs, changeoverMs, lossMs }: SpotQuestion,
  zones: SpotZone[],
  spotPrice: number,
): SpotTable {
  const union = unionOf(zones.map(({ history }) => history));
  return tabulate({
    hazards: learnHazards(union.history),
    workHours: workMs / hourMs,
    // With so much time left, more makes no difference.
    slackHours: Math.min(Math.max(0, windowMs - workMs), slackShareMax * workMs) / hourMs,
    changeoverHours: (changeoverMs + lossMs) / hourMs,
    spotPrice,
    movesPerHour: union.movesPerHour,
  });
}

/** Over the zones, each for as long as it was available (and an hour, for those that never were). */
function meanPrice(zones: SpotZone[]): number {
  let money = 0;
  let hours = 0;
  for (const { pricePerHour, history } of zones) {
    const available = stretchesOf(history).filter((stretch) => stretch.available);
    const seen = 1 + available.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) / hourMs;
    money += pricePerHour * seen;
    hours += seen;
  }
  return hours > 0 ? money / hours : 0;
}

function mustBeAbove(bound: number, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value > bound) continue;
    const rule = bound === 0 ? "above 0" : "at least 0";
    throw new CanopyError(
      "invalid",
      `Cannot plan with spot machines as '${name}' must be ${rule}: current value is ${value}`,
    );
  }
}

const slackShareMax = 2;
