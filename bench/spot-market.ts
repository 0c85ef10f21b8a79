import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Recorded availability of zones, tick by tick. */
export interface Market {
  tickMs: number;
  ticks: number;
  zones: { zone: string; available: Uint8Array }[];
}

/** The work and its terms, in ticks. */
export interface Terms {
  startTick: number;
  workTicks: number;
  windowTicks: number;
  /** That each start of a machine takes, paid and without work done. */
  changeoverTicks: number;
  /** Of a spot machine; on-demand costs 1 a tick. */
  spotPrice: number;
}

/** Which machine to hold in the coming tick: none, on-demand, or spot in the zone of that index. */
export type Choice = "none" | "on-demand" | number;

/** All that a policy may see: the present. The past it keeps itself. */
export interface View {
  tick: number;
  terms: Terms;
  workLeft: number;
  timeLeft: number;
  holds: Choice;
  changeoverLeft: number;
  isAvailable: (zone: number) => boolean;
}

export type Policy = (view: View) => Choice;

export interface Outcome {
  cost: number;
  late: boolean;
  starts: number;
}

/** Files of the traces by zone; a tick counts as available with `nodes` machines or more. */
export function readMarket(folder: string, files: string[], nodes: number): Market {
  const traces = files.map((file) => {
    const text = readFileSync(join(folder, "spot", `${file}.json`), "utf8");
    return JSON.parse(text) as { metadata: { gap_seconds: number }; data: number[] };
  });
  return {
    tickMs: traces[0]!.metadata.gap_seconds * 1000,
    ticks: Math.min(...traces.map(({ data }) => data.length)),
    zones: traces.map(({ data }, index) => ({
      zone: files[index]!,
      available: Uint8Array.from(data, (count) => (count >= nodes ? 1 : 0)),
    })),
  };
}

export function onlyZone({ tickMs, ticks, zones }: Market, zone: number): Market {
  return { tickMs, ticks, zones: [zones[zone]!] };
}

/**
 * Runs a policy: a spot machine is lost at the beginning of a tick in which its zone is unavailable, work that
 * was done stays done, and each start costs `changeoverTicks`.
 */
export function simulate(market: Market, terms: Terms, policy: Policy): Outcome {
  let holds: Choice = "none";
  let changeoverLeft = 0;
  let workLeft = terms.workTicks;
  let cost = 0;
  let starts = 0;
  for (let passed = 0; passed < terms.windowTicks && workLeft > 0; passed++) {
    const tick = terms.startTick + passed;
    const isAvailable = (zone: number) => market.zones[zone]!.available[tick] === 1;
    if (typeof holds === "number" && !isAvailable(holds)) holds = "none";
    const timeLeft = terms.windowTicks - passed;
    const view = { tick, terms, workLeft, timeLeft, holds, changeoverLeft, isAvailable };
    const choice = policy(view);
    if (typeof choice === "number" && !isAvailable(choice))
      throw new Error(`plan-spot: a policy took a machine that there was not, at tick ${tick}`);
    if (choice !== holds) changeoverLeft = terms.changeoverTicks;
    if (choice !== holds && choice !== "none") starts++;
    holds = choice;
    if (holds === "none") continue;
    cost += holds === "on-demand" ? 1 : terms.spotPrice;
    if (changeoverLeft > 0) changeoverLeft--;
    else workLeft--;
  }
  return { cost, late: workLeft > 0, starts };
}
