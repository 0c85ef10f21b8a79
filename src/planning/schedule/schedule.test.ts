import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanopyError } from "#/base/errors.ts";
import { Chance } from "#/base/testing/chance.ts";
import { listSchedule } from "./list-schedule.ts";
import { networkOf } from "./network.ts";
import { Placement } from "./placement.ts";
import type { PlanProblem } from "./problem.ts";
import { upwardRanks } from "./ranks.ts";
import { byRank, planSchedule } from "./schedule.ts";
import { faultsOfSchedule, shortestByBruteForce } from "./testing/judge.ts";
import { oneMachine, problems, unlikeMachines } from "./testing/problems.ts";

const plan = (problem: PlanProblem, tries = 30) =>
  planSchedule(problem, { random: new Chance(1), isOver: (done) => done >= tries });

test("planSchedule() keeps precedence, transfers, capacity and late machines", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 25, machinesMax: 4 }), (problem) => {
      assert.deepEqual(faultsOfSchedule(problem, plan(problem)), []);
    }),
    { numRuns: 300 },
  );
});

test("planSchedule() never ends before its bound, nor after list scheduling and HEFT", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 25, machinesMax: 4 }), (problem) => {
      const { makespan, bound } = plan(problem, 3);
      const network = networkOf(problem);
      const ranks = upwardRanks(network);
      assert.ok(bound <= makespan);
      assert.ok(makespan <= listSchedule(network, ranks).makespan);
      assert.ok(makespan <= byRank(network, new Placement(network), ranks).makespan);
    }),
    { numRuns: 300 },
  );
});

test("planSchedule() proves no more than is true: the optimum lies between bound and makespan", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 5, machinesMax: 3 }), (problem) => {
      const { makespan, bound } = plan(problem);
      const shortest = shortestByBruteForce(problem);
      assert.ok(bound <= shortest + 1e-9, `bound ${bound} is above the optimum ${shortest}`);
      assert.ok(makespan >= shortest - 1e-9, `${makespan} is below the optimum ${shortest}`);
    }),
    { numRuns: 200 },
  );
});

test("planSchedule() finds and proves the shortest schedule of small problems of one machine", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 6, machinesMax: 1 }), (problem) => {
      const { makespan, bound } = plan(problem, 10_000);
      assert.ok(Math.abs(makespan - shortestByBruteForce(problem)) < 1e-9);
      assert.equal(bound, makespan);
    }),
    { numRuns: 150 },
  );
});

test("planSchedule() finds the shortest schedule of nearly all small problems of several machines", () => {
  // The same ones each time: it is a search, and misses some.
  const sample = fc.sample(problems({ tasksMax: 5, machinesMax: 3 }), { numRuns: 200, seed: 1 });
  const missed = sample.filter(
    (problem) => plan(problem, 400).makespan > shortestByBruteForce(problem) + 1e-9,
  );
  assert.ok(missed.length <= 4, `${missed.length} of 200 were missed`);
});

test("listSchedule() gives schedules that keep all rules, with ranks and first come, first served", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 25, machinesMax: 4 }), (problem) => {
      const network = networkOf(problem);
      assert.deepEqual(faultsOfSchedule(problem, listSchedule(network)), []);
      assert.deepEqual(faultsOfSchedule(problem, listSchedule(network, upwardRanks(network))), []);
    }),
  );
});

test("planSchedule() is the same for the same seed and as many tries", () => {
  fc.assert(
    fc.property(problems({ tasksMax: 15, machinesMax: 3 }), (problem) => {
      assert.deepEqual(plan(problem), plan(problem));
    }),
    { numRuns: 20 },
  );
});

test("the bound counts a narrow place in the middle in full", () => {
  // Six of 4 on two machines, one of 1, six of 4 again: 12 + 1 + 12, though the work is only 24.5 a machine.
  const six = Array.from({ length: 6 }, (_, task) => task);
  const { bound, makespan } = plan({
    machines: oneMachine(2),
    tasks: [
      ...six.map(() => ({ duration: 4, needs: [1], after: [] })),
      { duration: 1, needs: [1], after: six.map((task) => ({ task, bytes: 0 })) },
      ...six.map(() => ({ duration: 4, needs: [1], after: [{ task: 6, bytes: 0 }] })),
    ],
  });
  assert.deepEqual({ bound, makespan }, { bound: 25, makespan: 25 });
});

test("a task stays where its data is when the way to a faster machine is long", () => {
  const chain = {
    machines: unlikeMachines([1, 1.5]),
    tasks: [
      { duration: [6, Infinity], needs: [1], after: [] },
      { duration: 6, needs: [1], after: [{ task: 0, bytes: 100 }] },
    ],
  };
  const near = plan({ ...chain, link: () => ({ latency: 0, bandwidth: 10 }) });
  assert.deepEqual([[...near.machines], near.makespan], [[0, 0], 12]);
  const quick = plan({ ...chain, link: () => ({ latency: 0, bandwidth: 100 }) });
  assert.deepEqual([[...quick.machines], quick.makespan], [[0, 1], 11]);
});

test("planSchedule() refuses a circle, and a task that fits no machine", () => {
  const invalid = (thrown: unknown) => thrown instanceof CanopyError && thrown.code === "invalid";
  const task = { duration: 1, needs: [1] };
  const circle = [0, 1].map((index) => ({ ...task, after: [{ task: 1 - index, bytes: 0 }] }));
  assert.throws(() => plan({ machines: oneMachine(1), tasks: circle }), invalid);
  const large = { duration: 1, needs: [2], after: [] };
  assert.throws(() => plan({ machines: oneMachine(1), tasks: [large] }), invalid);
});

test("planSchedule() gives an empty schedule of no tasks", () => {
  const { makespan, bound } = plan({ machines: oneMachine(1), tasks: [] });
  assert.deepEqual({ makespan, bound }, { makespan: 0, bound: 0 });
});
