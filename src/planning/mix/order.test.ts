import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { orderSteps } from "./order.ts";
import { stepsFinishMs } from "./precedence.ts";
import type { MixProblem } from "./problem.ts";

const secondMs = 1000;

/** Steps of one task each, on machines that run one at once. */
function problem(steps: readonly { ms: number; after: readonly number[] }[]): MixProblem {
  return {
    work: steps.map(({ ms }, kind) => ({
      name: `k${kind}`,
      tasks: 1,
      runTime: { meanMs: ms, meanHighMs: ms, longMs: ms },
    })),
    chainMs: 0,
    steps: steps.map(({ after }, kind) => ({ name: `s${kind}`, kind, tasks: 1, after })),
    types: [
      {
        name: "m",
        slots: steps.map(() => 1),
        countMax: 10,
        isPresent: true,
        bootMs: 0,
        speed: 1,
        price: { microsPerHour: 1, granularityMs: 1, minimumMs: 0, paidMs: 0 },
        power: undefined,
      },
    ],
    goal: { objective: "time" },
  };
}

function drawn(chance: Chance): MixProblem {
  const steps = Array.from({ length: 12 }, (_, at) => ({
    ms: chance.between(1, 20) * secondMs,
    after: at > 3 && chance.fraction() < 0.6 ? [chance.between(0, at - 1)] : [],
  }));
  return problem(steps);
}

describe("orderSteps()", () => {
  test("finds orders that end earlier than upward ranks do, and says nothing where it finds none", () => {
    let found = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const of = drawn(new Chance(seed));
      let asked = 0;
      const isOver = () => ++asked > 200;
      const steps = orderSteps(of, [3], { random: new Chance(seed), isOver });
      if (!steps) continue;
      found++;
      const usual = stepsFinishMs(of, [3], "likely")!;
      assert.ok(stepsFinishMs({ ...of, steps }, [3], "likely")! < 0.99 * usual);
      const places = steps.map(({ place }) => place!).sort((a, b) => a - b);
      assert.deepEqual(places, [...places.keys()]);
    }
    assert.ok(found >= 3, `${found} of 40`);
  });

  test("says nothing of a chain, and nothing where no machine runs a step", () => {
    const options = { random: new Chance(1), isOver: () => true };
    const chain = problem([0, 1, 2].map((at) => ({ ms: secondMs, after: at > 0 ? [at - 1] : [] })));
    assert.equal(orderSteps(chain, [2], options), undefined);
    assert.equal(orderSteps(chain, [0], options), undefined);
  });
});
