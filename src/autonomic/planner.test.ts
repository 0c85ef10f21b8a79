import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { Planner } from "./planner.ts";
import { questionOf } from "./propose.ts";
import { demand, offer } from "./testing/planning.ts";

const minuteMs = 60_000;
const goal = { deadlineMs: 30 * minuteMs, objective: "cost" } as const;
// Two machines unlike each other, of which neither divides the work: the bound is below what is found.
const offers = [
  offer("large", { microsPerHour: 400_000, priceGranularityMs: 60 * minuteMs }),
  offer("small", {
    capacity: { milliCpus: 3000, memoryBytes: 2 ** 34 },
    microsPerHour: 310_000,
    priceGranularityMs: 7 * minuteMs,
  }),
];
const { problem } = questionOf(demand(331, minuteMs), goal, [], offers);

/** Threads that are started, and that never answer. */
function silentPlanner() {
  const clock = new ManualClock();
  const threads = { started: 0, ended: 0, asked: 0 };
  const startThread = () => {
    threads.started++;
    return { send: () => void threads.asked++, end: () => void threads.ended++ };
  };
  const program = new URL("file:///solver");
  return { clock, threads, planner: new Planner({ clock, log: silent, startThread, program }) };
}

describe("Planner", () => {
  test("gives the first mix, and ends the solver, when that does not answer; then asks a new one", async () => {
    const { clock, threads, planner } = silentPlanner();
    const plans = [planner.plan(problem), planner.plan(problem)];
    for (let time = 0; time < 2; time++) await clock.advance(limits.planAnswerMs);
    for (const plan of await Promise.all(plans)) assert.ok("counts" in plan);
    assert.deepEqual(threads, { started: 2, ended: 2, asked: 2 });
  });

  test("gives the first mix at once when too many wait for theirs to be improved", async () => {
    const { clock, threads, planner } = silentPlanner();
    const waiting = Array.from({ length: limits.planImproveWaitingMax }, () =>
      planner.plan(problem),
    );
    assert.ok("counts" in (await planner.plan(problem)));
    await clock.advance(0);
    assert.equal(threads.asked, 1);
    for (let time = 0; time < waiting.length; time++) await clock.advance(limits.planAnswerMs);
    await Promise.all(waiting);
    planner.stop();
  });
});
