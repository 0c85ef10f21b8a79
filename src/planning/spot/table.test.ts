import assert from "node:assert/strict";
import { test } from "node:test";
import { ageClassHours, type Hazards } from "./hazard.ts";
import { marketState, tabulate, valueAt, type TableQuestion } from "./table.ts";

/** The same rate at every age: a market without a memory. */
function memoryless(availablePerHour: number, unavailablePerHour: number): Hazards {
  const rates = (perHour: number) => new Float64Array(ageClassHours.length).fill(perHour);
  return { available: rates(availablePerHour), unavailable: rates(unavailablePerHour) };
}

const question: TableQuestion = {
  hazards: memoryless(1e-9, 1e-9),
  workHours: 10,
  slackHours: 10,
  changeoverHours: 0.1,
  spotPrice: 0.3,
  movesPerHour: 0,
};
const there = marketState(true, 0);
const gone = marketState(false, 0);

function near(found: number, expected: number, within: number): void {
  assert.ok(Math.abs(found - expected) <= within, `${found} for ${expected}`);
}

test("tabulate() knows what a market costs that never changes", () => {
  const table = tabulate(question);
  near(valueAt(table, table.nothing, 10, 5, there), 0.3 * 10.1, 1e-3);
  near(valueAt(table, table.spot, 10, 5, there), 0.3 * 10, 1e-3);
  near(valueAt(table, table.nothing, 10, 5, gone), 10.1, 1e-3);
  near(valueAt(table, table.onDemand, 10, 5, gone), 10, 1e-3);
  near(valueAt(table, table.onDemand, 4.02, 0.31, gone), 4.02, 1e-3);
  assert.equal(valueAt(table, table.nothing, 0, 5, gone), 0);
});

test("tabulate() counts the moves between zones", () => {
  const table = tabulate({ ...question, movesPerHour: 0.5 });
  near(valueAt(table, table.spot, 10, 5, there), 0.3 * 10 * 1.05, 1e-3);
});

test("tabulate() finds the best time to stop waiting", () => {
  // Once: it comes at a rate of 1/h, and then stays. Who waits for up to the whole slack pays 0.3 with the chance
  // that it comes in time, and 1 without. Waiting is free, so all of the slack is the best time.
  const table = tabulate({ ...question, hazards: memoryless(1e-9, 1), changeoverHours: 0 });
  for (const slackHours of [0.5, 1, 3]) {
    const comes = 1 - Math.exp(-slackHours);
    // While it waits on on-demand it works; what is left when spot comes is cheaper: better than to wait.
    const waits = 10 * (0.3 * comes + 1 - comes);
    const works = valueAt(table, table.onDemand, 10, slackHours, gone);
    assert.ok(works <= waits + 0.05, `${works} for at most ${waits}`);
  }
  const always = valueAt(table, table.onDemand, 10, 0, gone);
  // Work on on-demand until it comes, after an hour on average (within ten): 1 - e^-10 hours at 0.7 more.
  near(always, 0.3 * 10 + 0.7 * (1 - Math.exp(-10)), 0.06);
});

test("tabulate() never values more work, less slack or an absent market lower", () => {
  const table = tabulate({ ...question, hazards: memoryless(0.5, 0.3) });
  for (let work = 1; work < 10; work += 0.7) {
    for (let slack = 0.5; slack < 9; slack += 0.6) {
      const value = (workHours: number, slackHours: number, state: number) =>
        valueAt(table, table.nothing, workHours, slackHours, state);
      for (const state of [there, gone]) {
        assert.ok(value(work + 0.5, slack, state) >= value(work, slack, state) - 1e-3);
        assert.ok(value(work, slack + 0.5, state) <= value(work, slack, state) + 1e-3);
      }
      assert.ok(value(work, slack, gone) >= value(work, slack, there) - 1e-3);
    }
  }
});
