import type { BenchOptions, Report } from "./figures.ts";
import { onlyZone, readMarket, simulate, type Market, type Policy } from "./spot-market.ts";
import { optimum } from "./spot-optimum.ts";
import { OurPolicy } from "./spot-ours.ts";
import { runProduct } from "./spot-product.ts";
import { greedy, uniformProgress } from "./spot-references.ts";

const zoneFiles = ["us-east-1a", "us-east-1c", "us-east-2a", "us-west-2a", "us-west-2b"].map(
  (zone) => `availability-2023-02-${zone}-v100`,
);
const sixteenNodesFile = "availability-2023-08-us-west-2a-v100-16node";
const workHours = 48;
const windows = [1.25, 1.5, 2];
const startsPerZone = 100;
/** The whole product takes seconds for each start. */
const productStartsPerZone = 2;
/** What a machine loses when it is taken away is a part of one. */
const productTasksMs = { SixMinuteTasks: 360_000, HourTasks: 3_600_000 };

/** Costs over the optimum of one start, by policy. */
interface Start {
  ours: number;
  greedy: number;
  uniform: number;
  late: number;
}

/**
 * Work of 48 hours on one machine, from starts spread evenly over recorded traces, the first of them with nothing
 * learned. First each zone for itself, as the references are measured, then all zones as one market. A start of
 * a machine takes two ticks of 195 s.
 */
export async function benchPlanSpot({ data, say }: BenchOptions): Promise<Report> {
  const begun = performance.now();
  const market = readMarket(data!, zoneFiles, 1);
  const figures: Record<string, number> = {};
  const peers: Record<string, Record<string, number>> = { greedy: {}, "uniform progress": {} };
  const note = (name: string, starts: Start[]) => {
    figures[`${name}OverOptimum`] = mean(starts, "ours");
    peers["greedy"]![`${name}OverOptimum`] = mean(starts, "greedy");
    peers["uniform progress"]![`${name}OverOptimum`] = mean(starts, "uniform");
    figures["startsLate"] = (figures["startsLate"] ?? 0) + sum(starts, "late");
    figures["startsInAll"] = (figures["startsInAll"] ?? 0) + starts.length;
  };
  const eachZone = (name: string, setting: Setting) => {
    say(`plan-spot: each zone for itself, ${name || "as it is"}`);
    const byZone = market.zones.map((_, zone) => measure(onlyZone(market, zone), setting));
    for (const [index, window] of windows.entries())
      note(
        figureOf(name, window),
        byZone.flatMap((starts) => starts[index]!),
      );
    return byZone;
  };
  const usual = { changeoverTicks: 2, spotPrice: 0.3 };
  const byZone = eachZone("", usual);
  for (const [index, window] of windows.entries()) {
    const without = byZone.map((_, left) =>
      mean(
        byZone.flatMap((starts, zone) => (zone === left ? [] : starts[index]!)),
        "ours",
      ),
    );
    figures[`${figureOf("", window)}WithoutOneZoneMaxOverOptimum`] = Math.max(...without);
    figures[`${figureOf("", window)}WorstStartOverOptimum`] = Math.max(
      ...byZone.flatMap((starts) => starts[index]!.map(({ ours }) => ours)),
    );
  }
  say("plan-spot: all zones as one market");
  for (const [index, starts] of measure(market, usual).entries())
    note(figureOf("allZones", windows[index]!), starts);
  say("plan-spot: sixteen machines in one zone");
  const sixteen = readMarket(data!, [sixteenNodesFile], 16);
  for (const [index, starts] of measure(sixteen, usual).entries())
    note(figureOf("sixteenMachines", windows[index]!), starts);
  eachZone("changeoverTwice", { ...usual, changeoverTicks: 4 });
  eachZone("changeoverHalfHour", { ...usual, changeoverTicks: 9 });
  eachZone("halfPrice", { ...usual, spotPrice: 0.5 });
  for (const [name, taskMs] of Object.entries(productTasksMs)) {
    say(`plan-spot: by the whole product, each zone for itself, ${name}`);
    Object.assign(figures, await measureProduct(market, usual, `product${name}`, taskMs));
  }
  figures["tookMs"] = performance.now() - begun;
  return {
    bench: "plan-spot",
    figures,
    targets: Object.fromEntries(
      [1.1, 1.06, 1.04].map((reach, index) => [
        `${figureOf("", windows[index]!)}OverOptimum`,
        reach,
      ]),
    ),
    peers,
    ratios: {},
  };
}

interface Setting {
  changeoverTicks: number;
  spotPrice: number;
}

/** For each window, every start. */
function measure(market: Market, setting: Setting): Start[][] {
  const workTicks = Math.round((workHours * 3_600_000) / market.tickMs);
  const termsOf = (window: number, startTick: number) => ({
    ...setting,
    startTick,
    workTicks,
    windowTicks: Math.floor(workTicks * window),
  });
  const ours = new OurPolicy(market, termsOf(Math.max(...windows), 0));
  const zones = market.zones.length;
  return windows.map((window) => {
    const lastStart = market.ticks - termsOf(window, 0).windowTicks - 1;
    return Array.from({ length: startsPerZone }, (_, index) => {
      const terms = termsOf(window, Math.floor((index * lastStart) / (startsPerZone - 1)));
      const least = optimum(market, terms);
      const over = (policy: Policy) => {
        const { cost, late } = simulate(market, terms, policy);
        if (cost < least - 1e-6) throw new Error("plan-spot: a policy beat the optimum");
        return { over: cost / least, late };
      };
      const our = over(ours.decide);
      return {
        ours: our.over,
        greedy: over(greedy(zones)).over,
        uniform: over(uniformProgress(zones)).over,
        late: our.late ? 1 : 0,
      };
    });
  });
}

/** The loop that keeps goals over the same traces; what was begun on a machine that is taken away is lost. */
async function measureProduct(
  market: Market,
  setting: Setting,
  name: string,
  taskMs: number,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  let startsLate = 0;
  let starts = 0;
  const workTicks = Math.round((workHours * 3_600_000) / market.tickMs);
  for (const window of windows) {
    const windowTicks = Math.floor(workTicks * window);
    const over: number[] = [];
    for (const zone of market.zones.keys()) {
      const own = onlyZone(market, zone);
      const lastStart = market.ticks - windowTicks - 1;
      for (let number = 0; number < productStartsPerZone; number++) {
        const startTick = Math.floor(((number + 0.5) * lastStart) / productStartsPerZone);
        const terms = { ...setting, startTick, workTicks, windowTicks };
        const { cost, late } = await runProduct(own, terms, taskMs);
        over.push(cost / optimum(own, terms));
        if (late) startsLate++;
      }
    }
    starts += over.length;
    figures[`${figureOf(name, window)}OverOptimum`] =
      over.reduce((total, ratio) => total + ratio, 0) / over.length;
  }
  return { ...figures, [`${name}StartsLate`]: startsLate, [`${name}Starts`]: starts };
}

function figureOf(name: string, window: number): string {
  const deadline = `deadline${String(window).replace(".", "_")}x`;
  return name === "" ? deadline : `${name}D${deadline.slice(1)}`;
}

function sum(starts: Start[], policy: keyof Start): number {
  return starts.reduce((total, start) => total + start[policy], 0);
}

function mean(starts: Start[], policy: keyof Start): number {
  return sum(starts, policy) / starts.length;
}
