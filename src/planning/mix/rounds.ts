import { gangKinds, placesLacking } from "./gangs.ts";
import { taskMs, tasksWithin, type Side } from "./pace.ts";
import type { Counts, MixProblem, TaskKind } from "./problem.ts";
import { tasksInWindow } from "./windows.ts";

/**
 * How much later than the rest the last tasks may end, as they cannot be shared out: a long task that
 * begins late, and what of a chain comes after its first.
 */
export function tailMs(problem: MixProblem, side: Side): number {
  const longestMs = longest(problem, (kind) => taskMs(kind, side));
  const late = side === "high" ? lateMs(problem) : 0;
  return Math.max(late, problem.chainMs - longestMs);
}

/** How much later than the rest a long task may end that begins last. */
export function lateMs(problem: MixProblem): number {
  return longest(problem, (kind) => kind.runTime.longMs - taskMs(kind, "high"));
}

function longest({ work }: MixProblem, of: (kind: TaskKind) => number): number {
  return work.reduce((most, kind) => (kind.tasks > 0 ? Math.max(most, of(kind)) : most), 0);
}

/**
 * Tasks of each kind that machines of these counts leave undone after `byMs`, when each works without a
 * pause. Kinds that fewer types can run come first, so that what only some can do is not taken up by what
 * all can.
 */
export function tasksLeft(problem: MixProblem, counts: Counts, byMs: number, side: Side): number[] {
  const { work, types } = problem;
  const freeShare = types.map(() => 1);
  const left = work.map(({ tasks }) => tasks);
  for (const kind of scarceFirst(problem)) {
    for (let type = 0; type < types.length && left[kind]! > 0; type++) {
      const whole = tasksWithin(problem, kind, type, byMs, side) * counts[type]!;
      if (whole === 0) continue;
      const inWindow = tasksInWindow(problem, kind, type, byMs, side) * counts[type]!;
      const done = Math.min(left[kind]!, inWindow, Math.floor(whole * freeShare[type]! + 1e-9));
      left[kind]! -= done;
      freeShare[type]! -= done / whole;
    }
  }
  return left;
}

/** Whether machines of these counts end all tasks within `byMs`, and have places for those that run at once. */
export function isEnough(problem: MixProblem, counts: Counts, byMs: number, side: Side): boolean {
  return (
    tasksLeft(problem, counts, byMs, side).every((tasks) => tasks === 0) &&
    gangKinds(problem).every((kind) => placesLacking(problem, kind, counts, byMs, side) === 0)
  );
}

const orders = new WeakMap<MixProblem, number[]>();

/** Numbers of kinds, those that the fewest types can run first. Worked out once for a problem. */
export function scarceFirst(problem: MixProblem): number[] {
  let order = orders.get(problem);
  if (!order) {
    const { work, types } = problem;
    const able = work.map((_, kind) => types.filter(({ slots }) => slots[kind]! > 0).length);
    order = [...work.keys()].sort((a, b) => able[a]! - able[b]!);
    orders.set(problem, order);
  }
  return order;
}
