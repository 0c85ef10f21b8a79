import { billOf, gramsOf, type MixProblem } from "./problem.ts";
import { finishMs, workedMs } from "./finish.ts";
import { lateMs, tailMs, tasksWithin } from "./rounds.ts";

/**
 * What no mix can undercut that ends the work by the last of `instants`: money for "cost", milliseconds
 * for "time", grams for "carbon".
 *
 * Between two neighbouring instants a machine costs at least what it does at the first of them, and ends at
 * most the tasks that it can until the second. To buy parts of machines can only be cheaper. So the linear relaxation
 * of the knapsack (Dantzig, "Discrete-Variable Extremum Problems", 1957), for one kind of tasks with all limits
 * or for all of them together, bounds each stretch, and the least of the stretches bounds them all. Run times are taken as the plan takes them.
 */
export function boundOf(problem: MixProblem, instants: readonly number[]): number {
  const { types, goal } = problem;
  if (goal.objective === "time") {
    const all = types.map(({ countMax }) => countMax);
    if (!problem.steps) return finishMs(problem, all, "high") ?? Infinity;
    const fastest = Math.max(...types.map(({ speed }) => speed));
    const worked = workedMs(problem, all, "high") ?? Infinity;
    return Math.max(worked, problem.chainMs / fastest) + lateMs(problem);
  }
  // Waiting for each other can only make it later.
  const tail = problem.steps ? lateMs(problem) : tailMs(problem, "high");
  let least = Infinity;
  let fromMs = instants[0] ?? 0;
  for (const instant of instants) {
    const beforeMs = fromMs;
    for (let part = 1; part <= parts; part++) {
      const toMs = beforeMs + ((instant - beforeMs) * part) / parts;
      least = Math.min(least, boundWithin(problem, fromMs, toMs - tail));
      fromMs = toMs;
    }
  }
  return least;
}

/** Stretches between two neighbouring instants: more of them make the bound tighter. */
const parts = 16;

/** For mixes that are done after `fromMs`, with tasks that end by `byMs`. */
function boundWithin(problem: MixProblem, fromMs: number, byMs: number): number {
  const { types, work, goal } = problem;
  const scores = types.map(({ price, power }) =>
    goal.objective === "carbon" ? (gramsOf(power, fromMs) ?? 0) : billOf(price, fromMs),
  );
  // What is there is used whatever is planned, so it is paid for whole.
  const there = types.reduce(
    (sum, { isPresent, countMax }, type) => sum + (isPresent ? countMax * scores[type]! : 0),
    0,
  );
  let bound = 0;
  for (const kind of work.keys()) bound = Math.max(bound, boundOfKind(problem, kind, byMs, scores));
  return there + bound;
}

/** The least that must be bought for the tasks of one kind alone. */
function boundOfKind(
  problem: MixProblem,
  kind: number,
  byMs: number,
  scores: readonly number[],
): number {
  const { types, work } = problem;
  let left = work[kind]!.tasks;
  const offers: { each: number; count: number; score: number }[] = [];
  for (const [type, { countMax, isPresent }] of types.entries()) {
    const each = tasksWithin(problem, kind, type, byMs, "high");
    if (isPresent) left -= each * countMax;
    else if (each > 0) offers.push({ each, count: countMax, score: scores[type]! });
  }
  let sum = 0;
  for (const { each, count, score } of offers.sort((a, b) => a.score / a.each - b.score / b.each)) {
    if (left <= 0) break;
    const machines = Math.min(count, left / each);
    sum += machines * score;
    left -= machines * each;
  }
  return left > 0 ? Infinity : sum;
}
