import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { lowerBound } from "../schedule/bound.ts";
import { networkOf } from "../schedule/network.ts";
import { planMix, predict } from "./mix.ts";
import { stepsFinishMs } from "./precedence.ts";
import type { MixProblem, MixStep } from "./problem.ts";

const secondMs = 1000;

/** Each step is a kind of its own, whose tasks all take so long; machines of one type. */
function problem(
  steps: readonly (Omit<MixStep, "kind" | "name"> & { ms: number })[],
  { slots = 1, speed = 1, bootMs = 0, spare = 0 } = {},
): MixProblem {
  return {
    work: steps.map(({ tasks, ms }, kind) => ({
      name: `k${kind}`,
      tasks,
      runTime: { meanMs: ms, meanHighMs: ms, longMs: ms + spare },
    })),
    chainMs: 0,
    steps: steps.map(({ tasks, after, share = 1 }, kind) => ({
      name: `s${kind}`,
      kind,
      tasks,
      after,
      share,
    })),
    types: [
      {
        name: "m",
        slots: steps.map(() => slots),
        countMax: 100,
        isPresent: false,
        bootMs,
        speed,
        price: { microsPerHour: 1_000_000, granularityMs: 1, minimumMs: 0, paidMs: 0 },
        power: undefined,
      },
    ],
    goal: { objective: "cost" },
  };
}

const forkAndJoin = [
  { tasks: 1, ms: 10 * secondMs, after: [] },
  { tasks: 8, ms: 20 * secondMs, after: [0] },
  { tasks: 1, ms: 5 * secondMs, after: [1] },
];

describe("stepsFinishMs()", () => {
  test("plays out what waits for what, boot and speed of machines among it", () => {
    assert.equal(stepsFinishMs(problem(forkAndJoin), [8], "likely"), 35 * secondMs);
    assert.equal(stepsFinishMs(problem(forkAndJoin), [2], "likely"), 95 * secondMs);
    assert.equal(stepsFinishMs(problem(forkAndJoin, { slots: 4 }), [2], "likely"), 35 * secondMs);
    assert.equal(stepsFinishMs(problem(forkAndJoin, { speed: 2 }), [8], "likely"), 17_500);
    assert.equal(stepsFinishMs(problem(forkAndJoin, { bootMs: 7000 }), [8], "likely"), 42_000);
  });

  test("runs first what the longest way to the end begins with", () => {
    const steps = [
      { tasks: 1, ms: secondMs, after: [] },
      { tasks: 1, ms: secondMs, after: [] },
      { tasks: 1, ms: 9 * secondMs, after: [1] },
    ];
    assert.equal(stepsFinishMs(problem(steps), [1], "likely"), 11 * secondMs);
    assert.equal(stepsFinishMs(problem(steps), [2], "likely"), 10 * secondMs);
  });

  test("keeps time for the longest task of a step that others wait for, and at the end", () => {
    const spare = 4 * secondMs;
    assert.equal(stepsFinishMs(problem(forkAndJoin, { spare }), [8], "likely"), 37 * secondMs);
    assert.equal(stepsFinishMs(problem(forkAndJoin, { spare }), [8], "high"), 43 * secondMs);
  });

  test("counts only what is left of a task under way", () => {
    const steps = [{ tasks: 1, ms: 10 * secondMs, after: [], share: 0.25 }];
    assert.equal(stepsFinishMs(problem(steps), [1], "likely"), 2500);
  });

  test("is undefined where no machine can run a step", () => {
    assert.equal(stepsFinishMs(problem(forkAndJoin, { slots: 0 }), [3], "likely"), undefined);
    assert.equal(stepsFinishMs(problem(forkAndJoin), [0], "likely"), undefined);
  });

  test("is no shorter than what any schedule needs, and on equal machines less than twice the best (Graham)", () => {
    const step = fc.record({
      tasks: fc.integer({ min: 1, max: 6 }),
      ms: fc.integer({ min: 1, max: 50 }),
      back: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 5 }),
        (drawn, machines) => {
          const steps = drawn.map(({ tasks, ms, back }, at) => ({
            tasks,
            ms,
            after: [...new Set(back.map((by) => at - by).filter((before) => before >= 0))],
          }));
          const ms = stepsFinishMs(problem(steps), [machines], "likely")!;
          const { makespan } = lowerBound(networkOf(expanded(steps, machines)));
          assert.ok(ms >= makespan - 1e-6, `${ms} before the bound ${makespan}`);
          const chain = longest(steps);
          const work = steps.reduce((sum, one) => sum + one.tasks * one.ms, 0);
          assert.ok(ms <= work / machines + (1 - 1 / machines) * chain + 1);
        },
      ),
    );
  });
});

describe("planMix() of steps that wait for each other", () => {
  test("takes the fewest machines with which playing it out keeps the deadline", () => {
    const steps = Array.from({ length: 20 }, (_, at) => ({
      tasks: 1,
      ms: 10 * secondMs,
      after: at < 10 ? [] : [at - 10],
    }));
    const of = { ...problem(steps, { bootMs: 5 * secondMs }), chainMs: 20 * secondMs };
    const mix = planMix({ ...of, goal: { objective: "cost", deadlineMs: 45 * secondMs } });
    assert.ok("counts" in mix);
    assert.deepEqual(mix.counts, [5]);
    assert.equal(mix.predicted.finishMs.high, 45 * secondMs);
  });

  test("shows a bound that no mix undercuts, and that knows what must come before and after", () => {
    const step = fc.record({
      tasks: fc.integer({ min: 1, max: 8 }),
      ms: fc.integer({ min: 2, max: 40 }),
      back: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    });
    const bootMs = fc.constantFrom(0, 20 * secondMs);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), bootMs, (drawn, boot) => {
        const steps = drawn.map(({ tasks, ms, back }, at) => ({
          tasks,
          ms: ms * secondMs,
          after: [...new Set(back.map((by) => at - by).filter((before) => before >= 0))],
        }));
        const of = { ...problem(steps, { bootMs: boot }), chainMs: longest(steps) };
        const deadlineMs = 1.5 * longest(steps) + boot;
        const mix = planMix({ ...of, goal: { objective: "cost", deadlineMs } });
        if (!("counts" in mix)) return;
        for (let count = 1; count <= 48; count++) {
          const found = predict(of, [count]);
          if (!found || found.finishMs.high > deadlineMs) continue;
          assert.ok(found.costMicros.high >= mix.bound - 1, `${count} undercut ${mix.bound}`);
        }
      }),
    );
    const chain = [
      { tasks: 1, ms: 50 * secondMs, after: [] },
      { tasks: 10, ms: 10 * secondMs, after: [0] },
    ];
    const of = { ...problem(chain), chainMs: 60 * secondMs };
    const mix = planMix({ ...of, goal: { objective: "cost", deadlineMs: 60 * secondMs } });
    assert.ok("counts" in mix);
    assert.deepEqual(mix.counts, [10]);
    assert.ok(mix.predicted.costMicros.high / mix.bound < 1.1);
  });
});

function longest(steps: readonly { ms: number; after: readonly number[] }[]): number {
  const ends: number[] = [];
  for (const { ms, after } of steps) ends.push(ms + Math.max(0, ...after.map((at) => ends[at]!)));
  return Math.max(...ends);
}

/** The same, task by task. */
function expanded(
  steps: readonly { tasks: number; ms: number; after: readonly number[] }[],
  machines: number,
) {
  const first: number[] = [];
  let count = 0;
  for (const { tasks } of steps) {
    first.push(count);
    count += tasks;
  }
  const tasks = steps.flatMap((step) =>
    Array.from({ length: step.tasks }, () => ({
      duration: step.ms,
      needs: [1],
      after: step.after.flatMap((before) =>
        Array.from({ length: steps[before]!.tasks }, (_, at) => ({
          task: first[before]! + at,
          bytes: 0,
        })),
      ),
    })),
  );
  return { tasks, machines: Array.from({ length: machines }, () => ({ capacity: [1] })) };
}
