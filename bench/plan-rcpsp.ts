import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Chance } from "#/base/testing/chance.ts";
import { networkOf } from "#/planning/schedule/network.ts";
import { Placement } from "#/planning/schedule/placement.ts";
import type { PlanProblem } from "#/planning/schedule/problem.ts";
import { upwardRanks } from "#/planning/schedule/ranks.ts";
import { byRank, planSchedule } from "#/planning/schedule/schedule.ts";
import type { BenchOptions, Report } from "./figures.ts";

const limitMs = 1000;

/** Project scheduling with known optima (PSPLIB j30; Kolisch, Sprecher: EJOR 96, 1997), one second each, one at a time. */
export async function benchPlanRcpsp({ data, say }: BenchOptions): Promise<Report> {
  const folder = join(data!, "rcpsp");
  const [, ...rows] = (await readFile(join(folder, "optimum.csv"), "utf8")).trim().split("\n");
  const ours: number[] = [];
  const rule: number[] = [];
  const tookMs: number[] = [];
  let proved = 0;
  for (const row of rows) {
    const [name = "", optimumText] = row.split(",");
    const text = await readFile(join(folder, name), "utf8").catch(unlessAbsent);
    if (text === undefined) continue; // the list of optima is longer than the folder
    const problem = readPsplib(text);
    const optimum = Number(optimumText);
    const startMs = performance.now();
    const { makespan, bound } = planSchedule(problem, {
      random: new Chance(1),
      isOver: () => performance.now() - startMs >= limitMs,
    });
    tookMs.push(performance.now() - startMs);
    if (bound > optimum || makespan < optimum)
      throw new Error(`Cannot be: ${name} ends at ${optimum}, not from ${bound} to ${makespan}`);
    if (bound === makespan) proved++;
    ours.push(100 * (makespan / optimum - 1));
    if (makespan > optimum) say(`${name}: ${makespan}, the optimum is ${optimum}`);
    const network = networkOf(problem);
    const listed = byRank(network, new Placement(network), upwardRanks(network));
    rule.push(100 * (listed.makespan / optimum - 1));
  }
  return {
    bench: "plan-rcpsp",
    figures: {
      instances: ours.length,
      overOptimumPercent: mean(ours),
      overOptimumWorstPercent: Math.max(...ours),
      optimal: ours.filter((percent) => percent === 0).length,
      provedOptimal: proved,
      meanMs: mean(tookMs),
      longestMs: Math.max(...tookMs),
      seconds: mean(tookMs) * (tookMs.length / 1000),
    },
    peers: {
      "priority rule (upward rank, one pass)": { overOptimumPercent: mean(rule) },
    },
    ratios: {},
    targets: { overOptimumPercent: 0.3 },
  };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function unlessAbsent(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== "ENOENT") throw thrown;
}

/** A `.sm` file of PSPLIB with one mode: one machine that has all resources. */
function readPsplib(text: string): PlanProblem {
  const lines = text.split("\n");
  const section = (title: string, skip: number) => {
    const from = lines.findIndex((line) => line.startsWith(title)) + skip;
    const rows = lines.slice(from, lines.indexOf(lines[0]!, from));
    return rows.map((row) => row.trim().split(/\s+/).map(Number));
  };
  const requests = section("REQUESTS/DURATIONS", 3);
  const after = requests.map((): { task: number; bytes: number }[] => []);
  for (const [job, , , ...successors] of section("PRECEDENCE RELATIONS", 2))
    for (const successor of successors) after[successor - 1]!.push({ task: job! - 1, bytes: 0 });
  return {
    tasks: requests.map(([, , duration, ...needs], task) => ({
      duration: duration!,
      needs,
      after: after[task]!,
    })),
    machines: [{ capacity: section("RESOURCEAVAILABILITIES", 2)[0]! }],
  };
}
