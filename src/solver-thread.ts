import type { Improvement } from "#/autonomic/planner.ts";
import { Chance } from "#/base/chance.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { onThread } from "#/base/node/threads.ts";
import { openHighs } from "#/planning/mix/highs.ts";
import { improveMix } from "#/planning/mix/improve.ts";
import { predict } from "#/planning/mix/mix.ts";
import { orderSteps } from "#/planning/mix/order.ts";

/** The thread on which plans are improved: it is told of one, and answers with a mix that is no worse. */
const opened = openHighs();

onThread((message, answer) => {
  const { what, problem, mix, forMs } = message as Improvement;
  const untilMs = nodeClock.monotonicMs() + forMs;
  const isOver = () => nodeClock.monotonicMs() > untilMs;
  if (what === "mix")
    return void opened.then((solve) => answer(improveMix(problem, mix, solve, isOver)));
  const steps = orderSteps(problem, mix.counts, { random: new Chance(1), isOver });
  const predicted = steps && predict({ ...problem, steps }, mix.counts);
  const isSafe = predicted && predicted.finishMs.high <= mix.predicted.finishMs.high;
  answer(isSafe ? { ...mix, steps, predicted } : mix);
});
