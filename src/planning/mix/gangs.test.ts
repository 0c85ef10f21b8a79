import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { stepsFinishMs } from "./precedence.ts";
import { openHighs } from "./highs.ts";
import { improveMix } from "./improve.ts";
import { planMix, predict } from "./mix.ts";
import type { MachineType, MixProblem, TaskKind } from "./problem.ts";

const minuteMs = 60_000;

const exact = (ms: number) => ({ meanMs: ms, meanHighMs: ms, longMs: ms });

function machines(slots: readonly number[], more: Partial<MachineType> = {}): MachineType {
  return {
    name: "m",
    slots,
    countMax: 10,
    isPresent: false,
    bootMs: 0,
    speed: 1,
    price: { microsPerHour: 1_000_000, granularityMs: 1, minimumMs: 0, paidMs: 0 },
    power: undefined,
    ...more,
  };
}

interface Part {
  tasks: number;
  ms: number;
  atOnce?: number;
  isWhole?: boolean;
}

/** A step for each part, and a kind. */
function problem(
  parts: readonly Part[],
  types: MachineType[],
  deadlineMs?: number,
  isPlayed = true,
): MixProblem {
  const work = parts.map(({ tasks, ms, atOnce, isWhole = true }, kind): TaskKind => ({
    name: `k${kind}`,
    tasks,
    runTime: exact(ms),
    ...(atOnce !== undefined && { gang: { atOnce, isWhole } }),
  }));
  const steps = parts.map(({ tasks }, kind) => ({ name: `s${kind}`, kind, tasks, after: [] }));
  return {
    work,
    chainMs: 0,
    types,
    goal: { objective: "cost", ...(deadlineMs !== undefined && { deadlineMs }) },
    ...(isPlayed && { steps }),
  };
}

describe("stepsFinishMs()", () => {
  const finish = (parts: Part[], types: MachineType[], counts: number[]) =>
    stepsFinishMs(problem(parts, types), counts, "likely");

  test("begins a gang once all of its places are there, and ends it with its slowest machine", () => {
    const gang = { tasks: 8, ms: minuteMs, atOnce: 8 };
    assert.equal(finish([gang], [machines([4])], [2]), minuteMs);
    assert.equal(finish([gang], [machines([4])], [1]), undefined);
    const late = machines([4], { bootMs: 30_000, speed: 0.5 });
    assert.equal(finish([gang], [machines([4]), late], [1, 1]), 30_000 + 2 * minuteMs);
  });

  test("lets a gang wait for those that run, and nothing behind it pass", () => {
    const first = { tasks: 1, ms: 3 * minuteMs };
    const gang = { tasks: 2, ms: 2 * minuteMs, atOnce: 2 };
    const small = { tasks: 2, ms: minuteMs };
    const slots = machines([2, 2, 2]);
    assert.equal(finish([first, gang, small], [slots], [1]), 6 * minuteMs);
    assert.equal(finish([first, gang, small], [slots], [2]), 3 * minuteMs);
  });

  test("does not keep others waiting for machines that have not booted", () => {
    const slots = machines([2, 2]);
    const late = machines([2, 2], { bootMs: 10 * minuteMs });
    const parts = [
      { tasks: 4, ms: 5 * minuteMs, atOnce: 4 },
      { tasks: 20, ms: minuteMs },
    ];
    assert.equal(finish(parts, [slots, late], [1, 1]), 15 * minuteMs);
  });

  test("lets others join a gang that has begun with fewer", () => {
    const gang = { tasks: 8, ms: minuteMs, atOnce: 3, isWhole: false };
    assert.equal(finish([gang], [machines([4])], [1]), 2 * minuteMs);
    assert.equal(finish([gang], [machines([2])], [1]), undefined);
  });
});

const anyPart = fc
  .record({
    size: fc.integer({ min: 1, max: 6 }),
    gangs: fc.integer({ min: 1, max: 3 }),
    ms: fc.integer({ min: 10_000, max: 5 * minuteMs }),
    kind: fc.constantFrom("whole", "minimum", "bag"),
  })
  .map(({ size, gangs, ms, kind }): Part => {
    if (kind === "bag") return { tasks: size * gangs, ms };
    return {
      tasks: kind === "whole" ? size : size * gangs,
      ms,
      atOnce: size,
      isWhole: kind === "whole",
    };
  });
const anyProblem = fc
  .record({
    parts: fc.array(anyPart, { minLength: 1, maxLength: 3 }),
    types: fc.array(
      fc.record({
        slots: fc.integer({ min: 1, max: 4 }),
        countMax: fc.integer({ min: 0, max: 4 }),
        isPresent: fc.boolean(),
        bootMs: fc.integer({ min: 0, max: 3 * minuteMs }),
        speed: fc.constantFrom(0.5, 1, 2),
        microsPerHour: fc.integer({ min: 1, max: 5_000_000 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    deadlineMs: fc.integer({ min: minuteMs, max: 30 * minuteMs }),
    isPlayed: fc.boolean(),
  })
  .map(({ parts, types, deadlineMs, isPlayed }) =>
    problem(
      parts,
      types.map(({ slots, microsPerHour, ...more }) =>
        machines(
          parts.map(() => slots),
          { ...more, price: { ...machines([]).price, microsPerHour } },
        ),
      ),
      deadlineMs,
      isPlayed,
    ),
  );

/** All counts there can be. */
function* every(types: readonly MachineType[]): Generator<number[]> {
  const [first, ...rest] = types;
  if (!first) return yield [];
  for (const others of rest.length > 0 ? every(rest) : [[]])
    for (let count = first.isPresent ? first.countMax : 0; count <= first.countMax; count++)
      yield [count, ...others];
}

describe("planMix() of gangs", () => {
  test("promises what can begin and ends in time, bounds what there is, and refuses only what nothing keeps", async () => {
    const solve = await openHighs();
    fc.assert(
      fc.property(anyProblem, (of) => {
        const deadlineMs = of.goal.deadlineMs!;
        const able = [...every(of.types)].flatMap((counts) => {
          const predicted = predict(of, counts);
          return predicted && predicted.finishMs.high <= deadlineMs ? [predicted] : [];
        });
        const mix = planMix(of);
        if (!("counts" in mix)) {
          const all = predict(
            of,
            of.types.map(({ countMax }) => countMax),
          );
          // what is too much to be played out is only bounded
          const isRefused = !of.steps || !all || all.finishMs.high > deadlineMs;
          return assert.ok(isRefused, JSON.stringify(mix));
        }
        for (const [kind, { tasks, gang }] of of.work.entries()) {
          const places: number = mix.counts.reduce(
            (sum, count, type) => sum + count * of.types[type]!.slots[kind]!,
            0,
          );
          assert.ok(places >= Math.min(gang?.atOnce ?? 1, tasks));
        }
        const least = Math.min(...able.map(({ costMicros }) => costMicros.high));
        assert.ok(mix.predicted.finishMs.high <= deadlineMs);
        assert.ok(mix.bound <= least * (1 + 1e-9) + 1e-6, `${mix.bound} is above ${least}`);
        let programs = 0;
        const better = improveMix(of, mix, solve, () => programs++ === 6);
        assert.ok(better.bound <= least * (1 + 1e-3) + 1e-6, `${better.bound} is above ${least}`);
        assert.ok(better.predicted.costMicros.high >= least * (1 - 1e-9));
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  test("says which gang can never begin, and for how many there is room", () => {
    const of = problem([{ tasks: 8, ms: minuteMs, atOnce: 8 }], [machines([2], { countMax: 3 })]);
    for (const goal of [of.goal, { ...of.goal, deadlineMs: minuteMs }]) {
      const mix = planMix({ ...of, goal });
      assert.ok("reason" in mix);
      assert.equal(mix.reason, "no-machine");
      assert.deepEqual(mix.lacking, { kind: "k0", atOnce: 8, places: 6 });
    }
  });
});
