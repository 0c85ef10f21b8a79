import { taskMs, tasksWithin, type Side } from "./pace.ts";
import type { MixProblem } from "./problem.ts";

/** When tasks of a kind can begin at the earliest, and what must follow the last of them at least, in milliseconds. */
interface Window {
  headMs: number;
  tailMs: number;
}

const known = {
  likely: new WeakMap<MixProblem, Window[]>(),
  high: new WeakMap<MixProblem, Window[]>(),
};

/**
 * Tasks of a kind that one machine of a type can end within `byMs` where steps wait for each other: between what must
 * be done before the first of them and what must be done after the last, on the fastest machine.
 */
export function tasksInWindow(
  problem: MixProblem,
  kind: number,
  type: number,
  byMs: number,
  side: Side,
): number {
  if (!problem.steps) return tasksWithin(problem, kind, type, byMs, side);
  const { headMs, tailMs } = windowsOf(problem, side)[kind]!;
  // Before it has booted nothing is lost by waiting for others.
  const waitsMs = Math.max(0, headMs - problem.types[type]!.bootMs);
  return tasksWithin(problem, kind, type, byMs - tailMs - waitsMs, side);
}

function windowsOf(problem: MixProblem, side: Side): readonly Window[] {
  let found = known[side].get(problem);
  if (!found) known[side].set(problem, (found = worked(problem, side)));
  return found;
}

function worked(problem: MixProblem, side: Side): Window[] {
  const { work, types } = problem;
  const steps = problem.steps!;
  const fastest = Math.max(...types.map(({ speed }) => speed));
  const ownMs = steps.map(({ kind, share = 1 }) => (share * taskMs(work[kind]!, side)) / fastest);
  const after = steps.map((step) => step.after);
  const before: number[][] = steps.map(() => []);
  for (const [step, all] of after.entries()) for (const one of all) before[one]!.push(step);
  const headsMs = longestBefore(after, before, ownMs);
  const tailsMs = longestBefore(before, after, ownMs);
  return work.map((_, kind) => {
    const own = [...steps.keys()].filter((step) => steps[step]!.kind === kind);
    const least = (of: readonly number[]) => Math.min(...own.map((step) => of[step]!));
    return own.length === 0
      ? { headMs: 0, tailMs: 0 }
      : { headMs: least(headsMs), tailMs: least(tailsMs) };
  });
}

/** Of each step, the longest way through those that it waits for. */
function longestBefore(
  waitsFor: readonly (readonly number[])[],
  followers: readonly (readonly number[])[],
  ownMs: readonly number[],
): number[] {
  const waysMs = ownMs.map(() => 0);
  const missing = waitsFor.map(({ length }) => length);
  const open = [...ownMs.keys()].filter((step) => missing[step] === 0);
  for (let at = 0; at < open.length; at++) {
    const step = open[at]!;
    for (const next of followers[step]!) {
      waysMs[next] = Math.max(waysMs[next]!, waysMs[step]! + ownMs[step]!);
      if (--missing[next]! === 0) open.push(next);
    }
  }
  return waysMs;
}
