import { runMsOn, tasksWithin, type Side } from "./pace.ts";
import type { Counts, MixProblem } from "./problem.ts";

/** Numbers of the kinds whose tasks run many at once or not at all. */
export function gangKinds({ work }: MixProblem): number[] {
  return [...work.keys()].filter((kind) => work[kind]!.gang && work[kind]!.tasks > 0);
}

/** Tasks of a kind that machines of a type can run at once, where they have time for one within `byMs`. */
export function placesWithin(
  problem: MixProblem,
  kind: number,
  type: number,
  byMs: number,
  side: Side,
): number {
  return tasksWithin(problem, kind, type, byMs, side) > 0 ? problem.types[type]!.slots[kind]! : 0;
}

/**
 * Places for a kind that there must be at one moment for all of its gangs to be done within `byMs`: gangs of one kind
 * run beside each other only as whole ones, and no longer than the fastest machine allows one after the other.
 */
export function placesNeeded(problem: MixProblem, kind: number, byMs: number, side: Side): number {
  const { work, types } = problem;
  const { tasks, gang } = work[kind]!;
  const atOnce = Math.min(gang!.atOnce, tasks);
  if (!gang!.isWhole) return atOnce;
  const rounds = types.map((type, at) =>
    type.slots[kind]! > 0 && type.countMax > 0
      ? tasksWithin(problem, kind, at, byMs, side) / type.slots[kind]!
      : 0,
  );
  const most = Math.max(1, ...rounds);
  return Math.ceil(Math.ceil(tasks / gang!.atOnce) / most) * atOnce;
}

/** Places that machines of these counts lack for a kind's gangs. */
export function placesLacking(
  problem: MixProblem,
  kind: number,
  counts: Counts,
  byMs: number,
  side: Side,
): number {
  const places = counts.reduce(
    (sum, count, type) => sum + count * placesWithin(problem, kind, type, byMs, side),
    0,
  );
  return Math.max(0, placesNeeded(problem, kind, byMs, side) - places);
}

/** One gang after the other, on the slowest machine: longer than this they need together on no mix that has places for each. */
export function inTurnMs(problem: MixProblem, counts: Counts, side: Side): number {
  return gangKinds(problem).reduce((sum, kind) => {
    const { tasks, gang } = problem.work[kind]!;
    if (!gang!.isWhole) return sum;
    const runsMs = problem.types.map((one, type) =>
      counts[type]! > 0 && one.slots[kind]! > 0 ? runMsOn(problem.work[kind]!, one, kind, side) : 0,
    );
    return sum + Math.ceil(tasks / gang!.atOnce) * Math.max(...runsMs);
  }, 0);
}

/** A kind whose gangs can never begin, however many machines are taken. */
export interface LackingGang {
  readonly kind: string;
  readonly atOnce: number;
  /** The most that can run at once. */
  readonly places: number;
}

export function lackingGang(problem: MixProblem): LackingGang | undefined {
  for (const kind of gangKinds(problem)) {
    const { name, tasks, gang } = problem.work[kind]!;
    const atOnce = Math.min(gang!.atOnce, tasks);
    const places = problem.types.reduce((sum, type) => sum + type.countMax * type.slots[kind]!, 0);
    if (places < atOnce) return { kind: name, atOnce, places };
  }
  return undefined;
}
