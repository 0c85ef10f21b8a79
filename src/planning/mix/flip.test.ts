import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { changed, changes, flipping, takes, type Flip } from "./flip.ts";
import { bestCounts, planMix } from "./mix.ts";
import type { MachineType, MixProblem } from "./problem.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function type(name: string, microsPerHour: number, more: Partial<MachineType> = {}): MachineType {
  return {
    name,
    slots: [4],
    countMax: 10,
    isPresent: false,
    bootMs: 0,
    speed: 1,
    price: { microsPerHour, granularityMs: 1, minimumMs: 0, paidMs: 0 },
    power: undefined,
    ...more,
  };
}

/** 400 tasks of a minute. */
function problem(types: MachineType[], deadlineMs = 30 * minuteMs): MixProblem {
  const runTime = { meanMs: minuteMs, meanHighMs: minuteMs, longMs: minuteMs };
  return {
    work: [{ name: "k", tasks: 400, runTime }],
    chainMs: 0,
    types,
    goal: { objective: "cost", deadlineMs },
  };
}

/** Without pauses. */
function flipOf(...asked: Parameters<typeof flipping>): Flip | undefined {
  const search = flipping(...asked);
  for (;;) {
    const { done, value } = search.next();
    if (done) return value;
  }
}

describe("flipping()", () => {
  test("tells from what price on an offer is taken, to the millionth", () => {
    const of = problem([type("cheap", 300_000), type("dear", 500_000)]);
    const flip = flipOf(of, 1, "price")!;
    assert.ok(flip.to > 250_000 && flip.to <= 300_000, String(flip.to));
    assert.ok(!takes(of, 1));
    assert.ok(takes(changed(of, 1, "price", flip.to), 1));
    assert.ok(!takes(changed(of, 1, "price", flip.to + 1), 1));
  });

  test("tells up to what price one is kept that is taken, and that nothing does where there is no other", () => {
    const of = problem([type("cheap", 300_000), type("dear", 500_000)]);
    const flip = flipOf(of, 0, "price")!;
    assert.ok(flip.to >= 500_000, String(flip.to));
    assert.equal(flipOf(problem([type("only", 300_000)]), 0, "price"), undefined);
  });

  test("tells how soon one must boot, how many of it there must be, and which deadline would take it", () => {
    const slow = problem([type("dear", 500_000), type("slow", 100_000, { bootMs: hourMs })]);
    const boot = flipOf(slow, 1, "boot")!;
    assert.ok(boot.to > 0 && boot.to < 30 * minuteMs, String(boot.to));
    const none = problem([type("dear", 500_000), type("few", 300_000, { countMax: 0 })]);
    assert.equal(flipOf(none, 1, "count")!.to, 1);
    const later = flipOf(slow, 1, "deadline")!;
    assert.ok(later.to > hourMs, String(later.to));
  });

  test("with the change the planner decides otherwise, and just before it does not, whatever the question", () => {
    const anyType = fc
      .record({
        slots: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
        microsPerHour: fc.integer({ min: 1000, max: 9_000_000 }),
        bootMs: fc.integer({ min: 0, max: 10 * minuteMs }),
        countMax: fc.integer({ min: 0, max: 6 }),
        isPresent: fc.boolean(),
        granularityMs: fc.constantFrom(1, minuteMs, hourMs),
      })
      .map(({ slots, microsPerHour, granularityMs, ...more }) =>
        type("t", microsPerHour, {
          ...more,
          slots,
          price: { microsPerHour, granularityMs, minimumMs: 0, paidMs: 0 },
        }),
      );
    const anyProblem = fc.record({
      work: fc.array(
        fc.record({
          tasks: fc.integer({ min: 1, max: 60 }),
          ms: fc.integer({ min: 1000, max: 120_000 }),
        }),
        { minLength: 2, maxLength: 2 },
      ),
      types: fc.array(anyType, { minLength: 2, maxLength: 4 }),
      deadlineMs: fc.integer({ min: 2 * minuteMs, max: 40 * minuteMs }),
      budgetMicros: fc.option(fc.integer({ min: 10_000, max: 20_000_000 }), { nil: undefined }),
      change: fc.constantFrom(...changes),
    });
    fc.assert(
      fc.property(anyProblem, ({ work, types, deadlineMs, budgetMicros, change }) => {
        const of: MixProblem = {
          work: work.map(({ tasks, ms }, at) => ({
            name: `k${at}`,
            tasks,
            runTime: { meanMs: ms, meanHighMs: ms * 1.1, longMs: ms * 1.5 },
          })),
          chainMs: 0,
          types,
          goal: {
            objective: "cost",
            deadlineMs,
            ...(budgetMicros !== undefined && { budgetMicros }),
          },
        };
        const flips = [...types.keys()].flatMap((at) => {
          const flip = types[at]!.isPresent ? undefined : flipOf(of, at, change);
          return flip ? [{ at, flip }] : [];
        });
        fc.pre(flips.length > 0); // another question in its place: so each of the runs has flips, by whatever chance
        for (const { at, flip } of flips) {
          const before = flip.to + Math.sign(flip.from - flip.to);
          assert.equal(takes(changed(of, at, change, flip.to), at), !takes(of, at));
          assert.equal(takes(changed(of, at, change, before), at), takes(of, at));
        }
      }),
      { numRuns: 30 },
    );
  });
});

test("bestCounts() are the counts of planMix()", () => {
  const of = problem([type("cheap", 300_000), type("dear", 500_000)]);
  const mix = planMix(of);
  assert.ok("counts" in mix);
  assert.deepEqual(bestCounts(of), mix.counts);
  assert.equal(bestCounts(problem([type("only", 1, { countMax: 1 })], minuteMs)), undefined);
});
