import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { planMix, predict, type Mix, type NoMix } from "./mix.ts";
import { movedFor } from "./moves.ts";
import type { MachineType, MixProblem, TaskKind } from "./problem.ts";
import { isEnough } from "./rounds.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function kind(tasks: number, ms: number, more: Partial<TaskKind["runTime"]> = {}): TaskKind {
  return { name: "k", tasks, runTime: { meanMs: ms, meanHighMs: ms, longMs: ms, ...more } };
}

function type(
  name: string,
  slots: number,
  microsPerHour: number,
  more: Partial<MachineType> = {},
): MachineType {
  return {
    name,
    slots: [slots],
    countMax: 100,
    isPresent: false,
    bootMs: 0,
    speed: 1,
    price: { microsPerHour, granularityMs: 1, minimumMs: 0, paidMs: 0 },
    power: undefined,
    ...more,
  };
}

function problem(more: Partial<MixProblem>): MixProblem {
  return {
    work: [kind(100, minuteMs)],
    chainMs: 0,
    types: [type("small", 1, 1_000_000)],
    goal: { objective: "cost" },
    ...more,
  };
}

function mustPlan(of: MixProblem): Mix {
  const mix = planMix(of);
  assert.ok("counts" in mix, `no mix: ${JSON.stringify(mix)}`);
  return mix;
}

function mustFail(of: MixProblem): NoMix {
  const mix = planMix(of);
  assert.ok("reason" in mix, `a mix: ${JSON.stringify(mix)}`);
  return mix;
}

describe("planMix()", () => {
  test("buys as many machines as the deadline takes", () => {
    const { counts, predicted } = mustPlan(
      problem({
        types: [type("small", 1, 1_000_000, { bootMs: minuteMs })],
        goal: { objective: "cost", deadlineMs: 11 * minuteMs },
      }),
    );
    assert.deepEqual(counts, [10]);
    assert.equal(predicted.finishMs.high, 11 * minuteMs);
  });

  test("takes more machines for less time where that costs the same", () => {
    const { counts } = mustPlan(
      problem({ goal: { objective: "cost", deadlineMs: 10 * minuteMs } }),
    );
    assert.deepEqual(counts, [100]);
  });

  test("buys nothing where what is there does", () => {
    const there = type("here", 10, 0, { isPresent: true, countMax: 1 });
    const { counts } = mustPlan(
      problem({
        types: [there, type("small", 1, 1)],
        goal: { objective: "cost", deadlineMs: 10 * minuteMs },
      }),
    );
    assert.deepEqual(counts, [1, 0]);
  });

  test("counts the time that a machine needs to boot", () => {
    const types = [type("small", 1, 1_000_000, { bootMs: 5 * minuteMs })];
    const { counts } = mustPlan(
      problem({ types, goal: { objective: "cost", deadlineMs: 10 * minuteMs } }),
    );
    assert.deepEqual(counts, [20]);
  });

  test("takes the type that is cheaper for a task, not for an hour", () => {
    const types = [
      type("small", 1, 1_000_000, { bootMs: minuteMs }),
      type("large", 16, 8_000_000, { bootMs: minuteMs }),
    ];
    const { counts } = mustPlan(
      problem({
        types,
        work: [kind(160, minuteMs)],
        goal: { objective: "cost", deadlineMs: 11 * minuteMs },
      }),
    );
    assert.deepEqual(counts, [0, 1]);
  });

  test("takes fewer machines for a whole hour where begun hours are paid in full", () => {
    const price = { microsPerHour: 1_000_000, granularityMs: hourMs, minimumMs: 0, paidMs: 0 };
    const types = [type("hourly", 1, 0, { price })];
    const { counts, predicted } = mustPlan(
      problem({
        types,
        work: [kind(120, minuteMs)],
        goal: { objective: "cost", deadlineMs: 90 * minuteMs },
      }),
    );
    assert.deepEqual(counts, [2]);
    assert.equal(predicted.costMicros.high, 2_000_000);
  });

  test("is as fast as the budget allows where time is the objective", () => {
    const { counts, predicted } = mustPlan(
      problem({
        types: [type("small", 1, 6_000_000, { bootMs: minuteMs })],
        goal: { objective: "time", budgetMicros: 15_000_000 },
      }),
    );
    assert.ok(predicted.costMicros.high <= 15_000_000);
    assert.ok(counts[0]! >= 40, `${counts[0]} machines`);
  });

  test("takes the cleaner power where carbon is the objective", () => {
    const power = (gramsPerKwh: number) => ({ watts: 100, gramsPerKwh });
    const types = [
      type("dirty", 1, 1, { bootMs: minuteMs, power: power(700) }),
      type("clean", 1, 10, { bootMs: minuteMs, power: power(20) }),
    ];
    const { counts } = mustPlan(
      problem({ types, goal: { objective: "carbon", deadlineMs: 11 * minuteMs } }),
    );
    assert.deepEqual(counts, [0, 10]);
  });

  test("weighs cost, time and carbon by what they are worth", () => {
    const power = (gramsPerKwh: number) => ({ watts: 1000, gramsPerKwh });
    const types = [
      type("cheap", 1, 1_000_000, { power: power(1000), countMax: 4 }),
      type("clean", 1, 2_000_000, { power: power(10), countMax: 4 }),
    ];
    const taken = (microsPerHour: number, microsPerKilogram: number) =>
      mustPlan(problem({ types, goal: { objective: { microsPerHour, microsPerKilogram } } }))
        .counts;
    // 100 minutes of work, and a boot that is paid for each machine.
    const booting = types.map((one) => ({ ...one, bootMs: 10 * minuteMs }));
    const slow = mustPlan(
      problem({ types: booting, goal: { objective: { microsPerHour: 0, microsPerKilogram: 0 } } }),
    );
    const fast = mustPlan(
      problem({
        types: booting,
        goal: { objective: { microsPerHour: 20_000_000, microsPerKilogram: 0 } },
      }),
    );
    assert.deepEqual(
      [slow.counts, fast.counts],
      [
        [1, 0],
        [4, 4],
      ],
    );
    // A kilogram an hour for a million less: worth it up to there.
    assert.equal(taken(0, 900_000)[1], 0);
    assert.equal(taken(0, 1_200_000)[0], 0);
  });

  test("keeps room for tasks that take longer than others, and for a chain", () => {
    const goal = { objective: "cost", deadlineMs: 20 * minuteMs } as const;
    const long = mustPlan(
      problem({ work: [kind(100, minuteMs, { longMs: 11 * minuteMs })], goal }),
    );
    assert.deepEqual(long.counts, [10]);
    const chained = mustPlan(problem({ chainMs: 11 * minuteMs, goal }));
    assert.deepEqual(chained.counts, [10]);
  });

  test("says what is too late, and the earliest deadline", () => {
    const types = [type("small", 1, 1_000_000, { bootMs: 5 * minuteMs })];
    const { reason, nearestDeadlineMs } = mustFail(
      problem({ types, goal: { objective: "cost", deadlineMs: 3 * minuteMs } }),
    );
    assert.equal(reason, "too-late");
    assert.equal(nearestDeadlineMs, 6 * minuteMs);
  });

  test("says what is too dear, and the least budget", () => {
    const goal = { objective: "cost", deadlineMs: 10 * minuteMs, budgetMicros: 1000 } as const;
    const { reason, nearestBudgetMicros, nearestDeadlineMs } = mustFail(problem({ goal }));
    assert.equal(reason, "too-dear");
    assert.equal(nearestBudgetMicros, 1_666_667);
    assert.equal(nearestDeadlineMs, undefined);
    mustPlan(problem({ goal: { ...goal, budgetMicros: nearestBudgetMicros! } }));
  });

  test("says when no machine could ever run a task", () => {
    assert.equal(mustFail(problem({ types: [type("none", 0, 1)] })).reason, "no-machine");
  });

  test("plans for a million tasks and many types within what a person does not notice", () => {
    const types = Array.from({ length: 60 }, (_, at) =>
      type(`t${at}`, 1 + at, 40_000 * (1 + at) * (1 + (at % 7) / 20), {
        bootMs: 60_000 + at * 1000,
        countMax: 500,
      }),
    );
    const mix = mustPlan(
      problem({
        types,
        work: [kind(1_000_000, 1000)],
        goal: { objective: "cost", deadlineMs: hourMs },
      }),
    );
    assert.ok(
      mix.predicted.costMicros.high <= mix.bound * 1.05,
      `${mix.predicted.costMicros.high} over ${mix.bound}`,
    );
  });

  const anyType = fc
    .record({
      slots: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
      microsPerHour: fc.integer({ min: 1000, max: 9_000_000 }),
      bootMs: fc.integer({ min: 0, max: 3 * minuteMs }),
      countMax: fc.integer({ min: 0, max: 4 }),
      isPresent: fc.boolean(),
      granularityMs: fc.constantFrom(1, minuteMs, hourMs),
      site: fc.constantFrom("lab", "cloud"),
      moveMs: fc.option(fc.tuple(fc.nat(minuteMs), fc.nat(minuteMs)), { nil: undefined }),
    })
    .map(({ slots, microsPerHour, bootMs, countMax, isPresent, granularityMs, site, moveMs }) =>
      type("any", 0, 0, {
        slots,
        site,
        ...(moveMs && { moveMs }),
        countMax: isPresent ? Math.min(1, countMax) : countMax,
        isPresent,
        bootMs: isPresent ? 0 : bootMs,
        price: { microsPerHour, granularityMs, minimumMs: 0, paidMs: 0 },
      }),
    );
  const anyProblem = fc.record({
    work: fc.array(
      fc
        .record({
          tasks: fc.integer({ min: 1, max: 30 }),
          ms: fc.integer({ min: 1000, max: 2 * minuteMs }),
        })
        .map(({ tasks, ms }) => kind(tasks, ms)),
      { minLength: 1, maxLength: 2 },
    ),
    chainMs: fc.constant(0),
    types: fc.array(anyType, { minLength: 1, maxLength: 3 }),
    goal: fc.record({
      objective: fc.constant("cost" as const),
      deadlineMs: fc.integer({ min: minuteMs, max: 20 * minuteMs }),
      budgetMicros: fc.integer({ min: 1, max: 10_000_000 }),
    }),
  });

  test("gives a mix that holds the goal, or none of all mixes does", () => {
    let wasBest = 0;
    let plans = 0;
    let missed = 0;
    fc.assert(
      fc.property(anyProblem, (of) => {
        const mix = planMix(of);
        const best = exhaustive(of);
        if (!("counts" in mix)) {
          // of two kinds of tasks the cheapest may be missed: `Planner` asks the solver before it says so
          const isMissed = best !== undefined && mix.reason === "too-dear";
          return isMissed ? void missed++ : assert.equal(best, undefined);
        }
        const { predicted, counts, bound } = mix;
        assert.ok(isEnough(movedFor(of, counts), counts, predicted.finishMs.high, "high"));
        assert.ok(predicted.finishMs.high <= of.goal.deadlineMs!);
        assert.ok(predicted.costMicros.high <= of.goal.budgetMicros!);
        assert.ok(best !== undefined && bound <= best + 1e-6, `${bound} is above ${best}`);
        plans++;
        if (predicted.costMicros.high <= best * 1.001) wasBest++;
      }),
      { numRuns: 400 },
    );
    assert.ok(missed <= 4, `${missed} were refused that could be kept`); // one in some 5,000 is
    assert.ok(wasBest >= plans * 0.8, `${wasBest} of ${plans} were the best there is`);
  });

  test("finds a goal again at the nearest deadline and budget that it names", () => {
    fc.assert(
      fc.property(anyProblem, (of) => {
        const mix = planMix(of);
        if ("counts" in mix) return;
        const { nearestBudgetMicros, nearestDeadlineMs, nearestBoth } = mix;
        const isAlone = nearestBudgetMicros !== undefined || nearestDeadlineMs !== undefined;
        assert.ok(!(isAlone && nearestBoth), "both are moved only where one does not do");
        if (nearestBoth) mustPlan({ ...of, goal: { ...of.goal, ...nearestBoth } });
        if (nearestBudgetMicros !== undefined)
          mustPlan({ ...of, goal: { ...of.goal, budgetMicros: nearestBudgetMicros } });
        if (nearestDeadlineMs !== undefined)
          mustPlan({ ...of, goal: { ...of.goal, deadlineMs: nearestDeadlineMs } });
      }),
      { numRuns: 300 },
    );
  });
});

/** The least cost of all counts that hold the goal. */
function exhaustive(of: MixProblem): number | undefined {
  let best: number | undefined;
  const counts: number[] = [];
  const walk = (at: number): void => {
    if (at < of.types.length) {
      const { countMax, isPresent } = of.types[at]!;
      for (let count = isPresent ? countMax : 0; count <= countMax; count++) {
        counts[at] = count;
        walk(at + 1);
      }
      return;
    }
    const found = predict(of, counts);
    if (!found || found.finishMs.high > of.goal.deadlineMs!) return;
    if (found.costMicros.high > of.goal.budgetMicros!) return;
    if (best === undefined || found.costMicros.high < best) best = found.costMicros.high;
  };
  walk(0);
  return best;
}
