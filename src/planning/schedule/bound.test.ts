import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerBound } from "./bound.ts";
import { networkOf } from "./network.ts";
import type { PlanProblem, PlanTask } from "./problem.ts";
import { oneMachine, unlikeMachines } from "./testing/problems.ts";

const boundOf = (problem: PlanProblem) => lowerBound(networkOf(problem)).makespan;
const alone = (duration: number, ...needs: number[]): PlanTask => ({ duration, needs, after: [] });
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

test("lowerBound() is the critical path where there is room for all", () => {
  const chain = [3, 4, 5].map((duration, task) => ({
    duration,
    needs: [1],
    after: task === 0 ? [] : [{ task: task - 1, bytes: 0 }],
  }));
  assert.equal(boundOf({ machines: oneMachine(8), tasks: chain }), 12);
});

test("lowerBound() is the work over the capacity of the scarcest resource, rounded up to whole times", () => {
  const tasks = times(5, alone(3, 1, 2));
  assert.equal(boundOf({ machines: [{ capacity: [100, 4] }], tasks }), 9); // two at once: three rounds
  assert.equal(boundOf({ machines: [{ capacity: [100, 3] }], tasks }), 15); // one at once
});

test("lowerBound() counts whole tasks: of seven on three CPUs, three follow each other", () => {
  assert.equal(boundOf({ machines: oneMachine(3), tasks: times(7, alone(10, 1)) }), 30);
});

test("lowerBound() counts the speed of every machine, and when they can be used", () => {
  const tasks = times(12, alone(6, 1));
  assert.equal(boundOf({ machines: unlikeMachines([1, 2]), tasks }), 24);
  const late = unlikeMachines([1, 2]).map((machine) => ({ ...machine, from: 10 }));
  assert.equal(boundOf({ machines: late, tasks }), 34);
});
