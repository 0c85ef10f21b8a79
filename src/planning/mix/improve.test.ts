import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { openHighs } from "./highs.ts";
import { improveMix, type Solve } from "./improve.ts";
import { planMix, predict, scoreOf, type Mix } from "./mix.ts";
import type { MixProblem } from "./problem.ts";

const minuteMs = 60_000;
const solve = await openHighs();
/** So many programs are solved in a second or so. */
const programsMax = 60;

function improved(problem: MixProblem, mix: Mix, most = programsMax): Mix {
  let solved = 0;
  const counted: Solve = (program) => {
    assert.ok(solved < most, "it goes on when it is over");
    solved++;
    return solve(program);
  };
  return improveMix(problem, mix, counted, () => solved >= most);
}

/** Two kinds of tasks; some machines run the one or the other better. */
const problems = fc
  .record({
    tasks: fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 })),
    ms: fc.tuple(
      fc.integer({ min: 10_000, max: 300_000 }),
      fc.integer({ min: 10_000, max: 300_000 }),
    ),
    types: fc.array(
      fc.record({
        slots: fc.tuple(fc.nat(4), fc.nat(4)),
        countMax: fc.integer({ min: 1, max: 6 }),
        microsPerHour: fc.integer({ min: 50_000, max: 2_000_000 }),
        granularityMs: fc.constantFrom(1, minuteMs, 60 * minuteMs),
        bootMs: fc.constantFrom(0, minuteMs),
        site: fc.constantFrom("lab", "cloud"),
        moveMs: fc.constantFrom([0, 0], [minuteMs / 2, 2 * minuteMs]),
      }),
      { minLength: 2, maxLength: 3 },
    ),
    deadlineMs: fc.integer({ min: 5 * minuteMs, max: 120 * minuteMs }),
  })
  .map(({ tasks, ms, types, deadlineMs }): MixProblem => ({
    work: tasks.map((count, kind) => ({
      name: `k${kind}`,
      tasks: count,
      runTime: { meanMs: ms[kind]!, meanHighMs: ms[kind]!, longMs: ms[kind]! },
    })),
    chainMs: 0,
    types: types.map(({ microsPerHour, granularityMs, ...more }, type) => ({
      name: `t${type}`,
      isPresent: false,
      speed: 1,
      price: { microsPerHour, granularityMs, minimumMs: 0, paidMs: 0 },
      power: undefined,
      ...more,
    })),
    goal: { objective: "cost", deadlineMs },
  }));

/** The best of all mixes. */
function leastOfAll(problem: MixProblem): number {
  let least = Infinity;
  const walk = (counts: number[]) => {
    const type = counts.length;
    if (type < problem.types.length) {
      for (let count = 0; count <= problem.types[type]!.countMax; count++) walk([...counts, count]);
      return;
    }
    const found = predict(problem, counts);
    if (found && found.finishMs.high <= problem.goal.deadlineMs!)
      least = Math.min(least, found.costMicros.high);
  };
  walk([]);
  return least;
}

describe("improveMix()", () => {
  test("gives no worse a mix, and a bound that is true and tighter", () => {
    let [before, after, count] = [0, 0, 0];
    fc.assert(
      fc.property(problems, (problem) => {
        const mix = planMix(problem);
        fc.pre("counts" in mix);
        const first = mix as Mix;
        const better = improved(problem, first);
        const least = leastOfAll(problem);
        const cost = scoreOf(better.predicted, "cost");
        assert.ok(cost <= scoreOf(first.predicted, "cost"));
        assert.ok(better.bound >= first.bound);
        assert.ok(better.bound <= least * (1 + 1e-9), `${better.bound} above the best, ${least}`);
        assert.ok(better.predicted.finishMs.high <= problem.goal.deadlineMs!);
        before += Math.log(scoreOf(first.predicted, "cost") / first.bound);
        after += Math.log(cost / better.bound);
        count++;
      }),
      { numRuns: 12, seed: 5 },
    );
    assert.ok(after < 0.1 * before, `off by ${after / count}, and before by ${before / count}`);
  });

  test("is over when it is told so, with the bound that holds until then", () => {
    const open = problems.filter((one) => "counts" in planMix(one));
    const [problem] = fc.sample(open, { numRuns: 1, seed: 3 });
    const first = planMix(problem!) as Mix;
    const { bound } = improved(problem!, first, 2);
    assert.ok(bound >= first.bound && bound <= leastOfAll(problem!) * (1 + 1e-9));
  });
});
