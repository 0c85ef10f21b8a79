import type { MixProblem } from "./problem.ts";
import { gangKinds, placesLacking, placesWithin } from "./gangs.ts";
import { tasksWithin, type Side } from "./pace.ts";
import { isEnough, scarceFirst, tasksLeft } from "./rounds.ts";

/** Cells of the table in which the last machines are searched for. */
const cellsMax = 512;

/**
 * Counts with a small score that end all tasks within `byMs`: for each kind of tasks, whole machines of
 * the type with the least score for a task, and for the rest of them the best mix there is; then machines
 * that turn out not to be needed go. Undefined where all machines together do not do.
 */
export function cover(
  problem: MixProblem,
  byMs: number,
  scores: readonly number[],
  side: Side,
): number[] | undefined {
  const { types } = problem;
  const counts = types.map(({ isPresent, countMax }) => (isPresent ? countMax : 0));
  const itemsFor = (eachOf: (type: number) => number): Item[] =>
    types.flatMap(({ countMax, isPresent }, type) => {
      const each = eachOf(type);
      const count = countMax - counts[type]!;
      return isPresent || each === 0 || count <= 0
        ? []
        : [{ type, each, count, score: scores[type]! }];
    });
  for (const kind of gangKinds(problem)) {
    const lacking = placesLacking(problem, kind, counts, byMs, side);
    if (lacking === 0) continue;
    const items = itemsFor((type) => placesWithin(problem, kind, type, byMs, side));
    if (items.length === 0) return undefined;
    for (const [type, count] of cheapest(lacking, items)) counts[type]! += count;
    if (placesLacking(problem, kind, counts, byMs, side) > 0) return undefined;
  }
  for (const kind of scarceFirst(problem)) {
    for (;;) {
      const left = tasksLeft(problem, counts, byMs, side)[kind]!;
      if (left === 0) break;
      const items = itemsFor((type) => tasksWithin(problem, kind, type, byMs, side));
      if (items.length === 0) return withAll(problem, byMs, scores, side);
      for (const [type, count] of cheapest(left, items)) counts[type]! += count;
    }
  }
  trim(problem, counts, byMs, scores, side);
  return counts;
}

/** One kind may have to make room for another: of all machines, without those that are not needed. */
function withAll(
  problem: MixProblem,
  byMs: number,
  scores: readonly number[],
  side: Side,
): number[] | undefined {
  const counts = problem.types.map(({ countMax }) => countMax);
  if (!isEnough(problem, counts, byMs, side)) return undefined;
  trim(problem, counts, byMs, scores, side);
  return counts;
}

interface Item {
  type: number;
  /** Tasks that one of it ends. */
  each: number;
  /** How many of it there are. */
  count: number;
  score: number;
}

/** How many of each to take, so that they end so many tasks, or all that they can. */
function cheapest(tasks: number, items: readonly Item[]): Map<number, number> {
  const taken = new Map<number, number>();
  const take = (item: Item, count: number) =>
    taken.set(item.type, (taken.get(item.type) ?? 0) + count);
  const spare = items.map((item) => ({ ...item }));
  // What is exact is only the last part: before it the best type is as good as any mix.
  const exact = 4 * Math.max(...items.map(({ each }) => each));
  let left = tasks;
  for (const item of spare.toSorted((a, b) => a.score / a.each - b.score / b.each)) {
    const count = Math.min(item.count, Math.floor((left - exact) / item.each));
    if (count <= 0) continue;
    take(item, count);
    item.count -= count;
    left -= count * item.each;
  }
  const rest = table(left, spare);
  for (const [item, count] of rest) take(item, count);
  return taken;
}

/** The bounded knapsack cover by dynamic programming, each item in bundles of 1, 2, 4 … (all, where they do not do). */
function table(tasks: number, items: readonly Item[]): [Item, number][] {
  const all = items.reduce((sum, { each, count }) => sum + each * count, 0);
  if (all <= tasks) return items.map((item) => [item, item.count]);
  const [only] = items;
  if (only && items.length === 1) return [[only, Math.ceil(tasks / only.each)]];
  const unit = Math.max(1, Math.ceil(tasks / cellsMax));
  // Rounded so that what the table holds for enough is enough.
  const goal = Math.ceil(tasks / unit);
  const bundles = items.flatMap((item) => bundlesOf(item, Math.ceil(tasks / item.each)));
  const best = new Float64Array(goal + 1).fill(Infinity);
  best[0] = 0;
  const taken: Uint8Array[] = [];
  for (const { item, count } of bundles) {
    const cells = Math.floor((item.each * count) / unit);
    const own = new Uint8Array(goal + 1);
    for (let cell = goal; cell > 0; cell--) {
      const score = best[Math.max(0, cell - cells)]! + item.score * count;
      if (cells > 0 && score < best[cell]!) {
        best[cell] = score;
        own[cell] = 1;
      }
    }
    taken.push(own);
  }
  // Rounding down the cells may leave too little: then all of them, and what is too much goes with the trimming.
  if (best[goal] === Infinity)
    return items.map((item) => [item, Math.min(item.count, Math.ceil(tasks / item.each))]);
  const chosen: [Item, number][] = [];
  let cell = goal;
  for (let at = bundles.length - 1; at >= 0; at--) {
    if (!taken[at]![cell]) continue;
    const { item, count } = bundles[at]!;
    chosen.push([item, count]);
    cell = Math.max(0, cell - Math.floor((item.each * count) / unit));
  }
  return chosen;
}

function bundlesOf(item: Item, useful: number): { item: Item; count: number }[] {
  const bundles = [];
  let left = Math.min(item.count, useful);
  for (let count = 1; left > 0; count *= 2) {
    bundles.push({ item, count: Math.min(count, left) });
    left -= Math.min(count, left);
  }
  return bundles;
}

/** Leaves out machines without which there is still enough, the dearest first. */
function trim(
  problem: MixProblem,
  counts: number[],
  byMs: number,
  scores: readonly number[],
  side: Side,
): void {
  const bought = [...counts.keys()].filter((type) => !problem.types[type]!.isPresent);
  for (const type of bought.sort((a, b) => scores[b]! - scores[a]!)) {
    while (counts[type]! > 0) {
      counts[type]! -= 1;
      if (isEnough(problem, counts, byMs, side)) continue;
      counts[type]! += 1;
      break;
    }
  }
}
