import { inTurnMs } from "./gangs.ts";
import { movedFor } from "./moves.ts";
import { stepsFinishMs } from "./precedence.ts";
import type { Counts, MixProblem } from "./problem.ts";
import type { Side } from "./pace.ts";
import { isEnough, tailMs } from "./rounds.ts";

const latestMs = 1e12;

/** When all tasks have ended on machines of these counts, in milliseconds from now; undefined when they never do. */
export function finishMs(asked: MixProblem, counts: Counts, side: Side): number | undefined {
  const problem = movedFor(asked, counts);
  if (problem.steps && problem.steps.length > 0) return stepsFinishMs(problem, counts, side);
  const worked = workedMs(problem, counts, side);
  return worked && worked + tailMs(problem, side) + inTurnMs(problem, counts, side);
}

/** As long as machines of these counts need for all tasks when none waits for another. */
export function workedMs(problem: MixProblem, counts: Counts, side: Side): number | undefined {
  if (problem.work.every(({ tasks }) => tasks === 0)) return 0;
  let highMs = 1;
  while (!isEnough(problem, counts, highMs, side)) {
    highMs *= 2;
    if (highMs > latestMs) return undefined;
  }
  let lowMs = highMs / 2;
  while (highMs - lowMs > 1) {
    const middleMs = (lowMs + highMs) / 2;
    if (isEnough(problem, counts, middleMs, side)) highMs = middleMs;
    else lowMs = middleMs;
  }
  return Math.ceil(highMs);
}
