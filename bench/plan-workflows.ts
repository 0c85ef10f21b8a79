import { join } from "node:path";
import { Chance } from "#/base/testing/chance.ts";
import { listSchedule } from "#/planning/schedule/list-schedule.ts";
import { networkOf } from "#/planning/schedule/network.ts";
import { Placement } from "#/planning/schedule/placement.ts";
import type { PlanProblem } from "#/planning/schedule/problem.ts";
import { optimisticCosts, optimisticRanks, upwardRanks } from "#/planning/schedule/ranks.ts";
import { byRank, planSchedule } from "#/planning/schedule/schedule.ts";
import type { BenchOptions, Report } from "./figures.ts";
import { equalCpus, recordedWorkflows, unlikeMachines } from "./workflow-problems.ts";

/** What a planner has for one forecast. */
const limitMs = 200;
const counts = [4, 16, 64];
const networks = { "1Gbit": 125_000_000, "100Mbit": 12_500_000 };

/** Makespans of one workflow by each way; all are proved to be at least `bound`. */
interface Row {
  bound: number;
  ours: number;
  list: number;
  fifo: number;
  heft: number;
  peft: number;
  /** What the critical path and the work over all CPUs say. */
  simple: number;
  tookMs: number;
}

/**
 * Recorded workflows on equal CPUs against a bound that is proved in the run, and on unlike machines with
 * transfers, where they are compared with HEFT and PEFT.
 */
export async function benchPlanWorkflows({ data, say }: BenchOptions): Promise<Report> {
  const workflows = await recordedWorkflows(join(data!, "workflows"));
  const parks = [
    ...counts.map((count) => ({ park: `${count}Cpus`, problem: { machines: equalCpus(count) } })),
    ...Object.entries(networks).flatMap(([network, bytesPerSecond]) =>
      counts.map((count) => ({
        park: `${count}Unlike${network}`,
        problem: unlikeMachines(count, bytesPerSecond),
      })),
    ),
  ];
  const startMs = performance.now();
  const report: Report = {
    bench: "plan-workflows",
    figures: { workflows: workflows.length },
    peers: {},
    ratios: {},
    targets: {},
  };
  for (const { park, problem } of parks) {
    const rows: Row[] = [];
    for (const { name, tasks } of workflows) {
      const row = measure({ tasks, ...problem });
      rows.push(row);
      say(`${park} ${name}: ${overBound(row)}`);
    }
    if (park.endsWith("Cpus")) tellEqual(rows, park, report);
    else tellUnlike(rows, park, report);
  }
  report.figures.seconds = (performance.now() - startMs) / 1000;
  return report;
}

function measure(problem: PlanProblem): Row {
  const startMs = performance.now();
  const { makespan, bound } = planSchedule(problem, {
    random: new Chance(1),
    isOver: () => performance.now() - startMs >= limitMs,
  });
  const tookMs = performance.now() - startMs;
  const network = networkOf(problem);
  const placement = new Placement(network);
  const ranks = upwardRanks(network);
  const lookahead = optimisticCosts(network);
  const optimistic = optimisticRanks(network, lookahead);
  const cpus = network.capacities.reduce((sum, capacity) => sum + capacity, 0);
  const work = network.shortest.reduce((sum, time) => sum + time, 0);
  return {
    bound,
    ours: makespan,
    list: listSchedule(network, ranks).makespan,
    fifo: listSchedule(network).makespan,
    heft: byRank(network, placement, ranks).makespan,
    peft: byRank(network, placement, optimistic, { lookahead }).makespan,
    // On equal CPUs an upward rank is the longest way to the end.
    simple: Math.max(...ranks, work / cpus),
    tookMs,
  };
}

function tellEqual(rows: Row[], park: string, { figures, peers, targets }: Report): void {
  const name = `overBoundPercent${park}`;
  figures[name] = meanPercent(rows, ({ ours, bound }) => ours / bound);
  figures[`provedOptimal${park}`] = rows.filter(({ ours, bound }) => ours === bound).length;
  figures[`longerThanList${park}`] = rows.filter(({ ours, list }) => ours > list).length;
  figures[`boundOverSimplePercent${park}`] = meanPercent(
    rows,
    ({ bound, simple }) => bound / simple,
  );
  figures[`meanMs${park}`] = mean(rows, ({ tookMs }) => tookMs);
  (peers["list scheduling"] ??= {})[name] = meanPercent(rows, ({ list, bound }) => list / bound);
  (peers["first come, first served"] ??= {})[name] = meanPercent(
    rows,
    ({ fifo, bound }) => fifo / bound,
  );
  targets![name] = 3;
  const simple = `overSimpleBoundPercent${park}`;
  peers["list scheduling"][simple] = meanPercent(rows, (row) => row.list / row.simple);
  peers["first come, first served"][simple] = meanPercent(rows, (row) => row.fifo / row.simple);
}

function tellUnlike(rows: Row[], park: string, { figures, peers }: Report): void {
  const name = `overBoundPercent${park}`;
  figures[name] = meanPercent(rows, ({ ours, bound }) => ours / bound);
  figures[`heftLongerPercent${park}`] = meanPercent(rows, ({ ours, heft }) => heft / ours);
  figures[`shorterThanHeft${park}`] = rows.filter(({ ours, heft }) => ours < heft).length;
  figures[`longerThanHeft${park}`] = rows.filter(({ ours, heft }) => ours > heft).length;
  (peers.HEFT ??= {})[name] = meanPercent(rows, ({ heft, bound }) => heft / bound);
  (peers.PEFT ??= {})[name] = meanPercent(rows, ({ peft, bound }) => peft / bound);
  (peers["list scheduling"] ??= {})[name] = meanPercent(rows, ({ list, bound }) => list / bound);
}

/** How much more than 1 a ratio is on the mean. */
function meanPercent(rows: Row[], ratio: (row: Row) => number): number {
  return 100 * (mean(rows, ratio) - 1);
}

function mean(rows: Row[], value: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
}

/** For a person who follows the run. */
function overBound(row: Row): string {
  const ways = ["ours", "list", "fifo", "heft", "peft"] as const;
  return ways.map((way) => `${way} ${(row[way] / row.bound).toFixed(3)}`).join(", ");
}
