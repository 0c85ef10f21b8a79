import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lowerBound } from "./bound.ts";
import { ExactSearch } from "./exact-search.ts";
import { listSchedule } from "./list-schedule.ts";
import { networkOf } from "./network.ts";
import { faultsOfSchedule, shortestByBruteForce } from "./testing/judge.ts";
import { oneMachine, problems } from "./testing/problems.ts";

test("ExactSearch.run() finds the shortest schedule of one machine, and says when it is proved", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 7, machinesMax: 1 }), (problem) => {
      const network = networkOf(problem);
      const best = listSchedule(network);
      const search = new ExactSearch(network, lowerBound(network), best);
      assert.ok(search.run(1_000_000, () => false));
      assert.ok(Math.abs(best.makespan - shortestByBruteForce(problem)) < 1e-9);
      assert.deepEqual(faultsOfSchedule(problem, best), []);
    }),
    { numRuns: 300 },
  );
});

test("ExactSearch.run() that is cut short goes on with what it knows, to the same end", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 14, machinesMax: 1 }), (problem) => {
      const network = networkOf(problem);
      const bound = lowerBound(network);
      const [whole, inTurns] = [listSchedule(network), listSchedule(network)];
      assert.ok(new ExactSearch(network, bound, whole).run(10_000_000, () => false));
      const search = new ExactSearch(network, bound, inTurns);
      let nodes = 10;
      while (!search.run(nodes, () => false)) nodes *= 2;
      assert.equal(inTurns.makespan, whole.makespan);
    }),
    { numRuns: 100 },
  );
});

test("ExactSearch.run() leaves a task for later when another ends sooner than all that runs", () => {
  // Those of 6 and of 1, and what follows that, must start at once: that of 5 waits, though it would fit.
  const task = (duration: number, need: number) => ({ duration, needs: [need], after: [] });
  const problem = {
    machines: oneMachine(4),
    tasks: [
      task(6, 2),
      task(1, 1),
      task(1, 2),
      { ...task(1, 0), after: [{ task: 2, bytes: 0 }] },
      task(5, 1),
    ],
  };
  const network = networkOf(problem);
  const best = listSchedule(network);
  assert.equal(best.makespan, 7);
  assert.ok(new ExactSearch(network, lowerBound(network), best).run(1000, () => false));
  assert.equal(best.makespan, 6);
});
