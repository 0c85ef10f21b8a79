import { workedMs } from "./finish.ts";
import { placesNeeded, placesWithin } from "./gangs.ts";
import { instantsUpTo } from "./instants.ts";
import { unmoved } from "./moves.ts";
import type { MixProblem } from "./problem.ts";
import { lateMs, tailMs } from "./rounds.ts";
import { scoreOfMachine, timeValue } from "./score.ts";
import { tasksInWindow } from "./windows.ts";

/** Mixes that are done after one instant, and by another at the latest. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What no mix can undercut that keeps the deadline: money for "cost", milliseconds for "time", grams for
 * "carbon". Run times are taken as the plan takes them; nothing is brought from site to site, as on machines of one site.
 *
 * Between two neighbouring instants a machine costs at least what it does at the first of them, and ends at
 * most the tasks that it can until the second. To buy parts of machines can only be cheaper. So the linear
 * relaxation of the knapsack (Dantzig, "Discrete-Variable Extremum Problems", 1957), for each kind of tasks
 * alone, bounds each stretch, and the least of the stretches bounds them all.
 */
export function boundOf(asked: MixProblem): number {
  const problem = unmoved(asked);
  if (problem.goal.objective === "time") return earliestMs(problem);
  return stretchesOf(problem).reduce(
    (least, stretch) => Math.min(least, boundWithin(problem, stretch)),
    Infinity,
  );
}

/** No mix ends the work before. */
function earliestMs(problem: MixProblem): number {
  const all = problem.types.map(({ countMax }) => countMax);
  const workedFor = (work: MixProblem["work"]) =>
    workedMs({ ...problem, work }, all, "high") ?? Infinity;
  // Who goes first is a rule of thumb, and kinds may share machines better: each alone is sure.
  const alone = [...problem.work.keys()].map((kind) =>
    workedFor(problem.work.map((one, at) => (at === kind ? one : { ...one, tasks: 0 }))),
  );
  if (!problem.steps) return Math.max(0, ...alone) + tailMs(problem, "high");
  const fastest = Math.max(...problem.types.map(({ speed }) => speed));
  return Math.max(problem.chainMs / fastest, ...alone) + lateMs(problem);
}

/** Parts of a stretch between two instants: more of them make the bound tighter. */
const parts = 16;

/** One after the other, from the earliest end that there can be to the last that may be. */
export function stretchesOf(problem: MixProblem): Stretch[] {
  const found: Stretch[] = [];
  const instants = instantsUpTo(problem, problem.goal.deadlineMs);
  let fromMs = Math.max(0, Math.min(instants[0] ?? 0, earliestMs(problem)) - 1);
  for (const instant of instants) {
    const beforeMs = fromMs;
    for (let part = 1; part <= parts; part++) {
      const toMs = beforeMs + ((instant - beforeMs) * part) / parts;
      if (toMs > fromMs || found.length === 0) found.push({ fromMs, toMs });
      fromMs = toMs;
    }
  }
  return found;
}

/** Until when machines work that are done by `toMs`. Waiting for each other can only make it later. */
export function workUntilMs(problem: MixProblem, toMs: number): number {
  return toMs - (problem.steps ? lateMs(problem) : tailMs(problem, "high"));
}

/** What one machine of each type adds to the objective at least, where all are done after `fromMs`. */
export function leastScores({ types, goal }: MixProblem, fromMs: number): number[] {
  const afterMs = fromMs + 1e-3; // a period of a price that ends then is paid, and the next has begun
  return types.map((type) => scoreOfMachine(type, afterMs, goal.objective) ?? 0);
}

/** What no mix that is done within a stretch can undercut. */
export function boundWithin(problem: MixProblem, { fromMs, toMs }: Stretch): number {
  const { types, work } = problem;
  const byMs = workUntilMs(problem, toMs);
  const scores = leastScores(problem, fromMs);
  // What is there is used whatever is planned, so it is paid for whole.
  const there = types.reduce(
    (sum, { isPresent, countMax }, type) => sum + (isPresent ? countMax * scores[type]! : 0),
    0,
  );
  let bound = 0;
  for (const kind of work.keys()) bound = Math.max(bound, boundOfKind(problem, kind, byMs, scores));
  return there + bound + timeValue(fromMs, problem.goal.objective);
}

/** The least that must be bought for the tasks of one kind alone. */
function boundOfKind(
  problem: MixProblem,
  kind: number,
  byMs: number,
  scores: readonly number[],
): number {
  const { tasks, gang } = problem.work[kind]!;
  const ended = leastFor(problem, tasks, scores, (type) =>
    tasksInWindow(problem, kind, type, byMs, "high"),
  );
  if (!gang || tasks === 0) return ended;
  const places = placesNeeded(problem, kind, byMs, "high");
  const begun = leastFor(problem, places, scores, (type) =>
    placesWithin(problem, kind, type, byMs, "high"),
  );
  return Math.max(ended, begun);
}

/** The least that must be bought for so much, of which one machine of a type gives `eachOf`. */
function leastFor(
  { types }: MixProblem,
  wanted: number,
  scores: readonly number[],
  eachOf: (type: number) => number,
): number {
  let left = wanted;
  const offers: { each: number; count: number; score: number }[] = [];
  for (const [type, { countMax, isPresent }] of types.entries()) {
    const each = eachOf(type);
    if (isPresent) left -= each * countMax;
    else if (each > 0) offers.push({ each, count: countMax, score: scores[type]! });
  }
  let sum = 0;
  for (const { each, count, score } of offers.sort((a, b) => a.score / a.each - b.score / b.each)) {
    if (left <= 0) break;
    // (left / each) * each may be less than left, by rounding: that is no lack
    if (count * each >= left) return sum + (left / each) * score;
    sum += count * score;
    left -= count * each;
  }
  return left > 0 ? Infinity : sum;
}
