import { boundWithin, stretchesOf, type Stretch } from "./bound.ts";
import { countsOf, programOf, type Values } from "./linear.ts";
import { predict, scoreOf, type Mix } from "./mix.ts";
import { unmoved } from "./moves.ts";
import type { MixProblem } from "./problem.ts";
import { timeValue } from "./score.ts";

/** The best of a program of `programOf`; "none" where it has no solution, "unknown" where it was not found in time. */
export type Solve = (program: string) => { least: number; values: Values } | "none" | "unknown";

/** A bound that is so near is good enough. */
const gapMin = 0.005;
/** Stretches are halved until they are so narrow, by ratio. */
const narrow = 1.002;
/** How many stretches there are to begin with. */
const firstStretches = 8;
/** A solver's own tolerance, of what it calls the best. */
const tolerance = 1e-4;

/**
 * A better mix, and a tighter bound on all there are, by integer programs: branch and bound over when the work is
 * done. Of all stretches of time the one with the least bound is solved next, then halved, until no stretch
 * can hold anything better by half a percent, or `isOver`.
 *
 * With the objective "time" a mix is as fast as there is already.
 */
export function improveMix(
  problem: MixProblem,
  mix: Mix,
  solve: Solve,
  isOver: () => boolean,
): Mix {
  const { objective } = problem.goal;
  if (objective === "time") return mix;
  let best = mix;
  const score = () => scoreOf(best.predicted, objective);
  const atHand = unmoved(problem);
  const open = firstBranches(atHand);
  let settled = Infinity;
  while (open.length > 0 && !isOver()) {
    const [branch] = open.splice(leastOf(open), 1) as [Branch];
    if (branch.bound >= score() * (1 - gapMin)) {
      open.push(branch);
      break;
    }
    const found = solve(programOf(atHand, branch));
    if (found === "none") continue;
    if (found !== "unknown") {
      const least = found.least + timeValue(branch.fromMs, objective);
      branch.bound = Math.max(branch.bound, least * (1 - tolerance));
      best = better(problem, best, countsOf(problem, found.values));
    }
    if (branch.toMs / Math.max(1, branch.fromMs) < narrow)
      settled = Math.min(settled, branch.bound);
    else open.push(...halvesOf(atHand, branch));
  }
  const bound = open.reduce((least, branch) => Math.min(least, branch.bound), settled);
  return { ...best, bound: Math.max(best.bound, Math.min(bound, score())) };
}

function firstBranches(problem: MixProblem): Branch[] {
  const all = stretchesOf(problem);
  const each = Math.ceil(all.length / firstStretches);
  const found: Branch[] = [];
  for (let at = 0; at < all.length; at += each) {
    const part = all.slice(at, at + each);
    const bound = Math.min(...part.map((stretch) => boundWithin(problem, stretch)));
    found.push({ fromMs: part[0]!.fromMs, toMs: part.at(-1)!.toMs, bound });
  }
  return found;
}

interface Branch extends Stretch {
  bound: number;
}

function leastOf(open: readonly Branch[]): number {
  let least = 0;
  for (const [at, { bound }] of open.entries()) if (bound < open[least]!.bound) least = at;
  return least;
}

function halvesOf(problem: MixProblem, { fromMs, toMs, bound }: Branch): Branch[] {
  const middleMs = Math.sqrt(Math.max(1, fromMs) * toMs);
  return [
    { fromMs, toMs: middleMs },
    { fromMs: middleMs, toMs },
  ].map((half) => ({ ...half, bound: Math.max(bound, boundWithin(problem, half)) }));
}

/** The mix of these counts, where it keeps the goal and does better. */
function better(problem: MixProblem, best: Mix, counts: Mix["counts"]): Mix {
  const { deadlineMs = Infinity, budgetMicros = Infinity, objective } = problem.goal;
  const predicted = predict(problem, counts);
  if (!predicted) return best;
  if (predicted.finishMs.high > deadlineMs || predicted.costMicros.high > budgetMicros) return best;
  if (scoreOf(predicted, objective) >= scoreOf(best.predicted, objective)) return best;
  return { ...best, counts, predicted };
}
