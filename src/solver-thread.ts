import type { Improvement } from "#/autonomic/planner.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { onThread } from "#/base/node/threads.ts";
import { openHighs } from "#/planning/mix/highs.ts";
import { improveMix } from "#/planning/mix/improve.ts";

/** The thread on which plans are improved: it is told of one, and answers with a mix that is no worse. */
const opened = openHighs();

onThread((message, answer) => {
  const { problem, mix, forMs } = message as Improvement;
  const untilMs = nodeClock.monotonicMs() + forMs;
  const isOver = () => nodeClock.monotonicMs() > untilMs;
  void opened.then((solve) => answer(improveMix(problem, mix, solve, isOver)));
});
