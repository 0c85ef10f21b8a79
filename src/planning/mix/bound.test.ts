import assert from "node:assert/strict";
import { test } from "node:test";
import { boundOf, boundWithin } from "./bound.ts";
import { predict } from "./mix.ts";
import type { MixProblem } from "./problem.ts";

const minuteMs = 60_000;

/** So many tasks of a minute, and one machine that runs so many at once. */
function problem(tasks: number, slots: number): MixProblem {
  return {
    work: [
      { name: "k", tasks, runTime: { meanMs: minuteMs, meanHighMs: minuteMs, longMs: minuteMs } },
    ],
    chainMs: 0,
    types: [
      {
        name: "m",
        slots: [slots],
        countMax: 1,
        isPresent: false,
        bootMs: 0,
        speed: 1,
        price: { microsPerHour: 60_000, granularityMs: minuteMs, minimumMs: 0, paidMs: 0 },
        power: undefined,
      },
    ],
    goal: { objective: "cost", deadlineMs: minuteMs },
  };
}

test("boundWithin() asks for the part of a machine that its tasks need, whatever is lost by rounding", () => {
  const stretch = { fromMs: minuteMs - 1, toMs: minuteMs };
  for (let slots = 1; slots <= 128; slots++) {
    for (let tasks = 1; tasks <= slots; tasks++) {
      const bound = boundWithin(problem(tasks, slots), stretch);
      const partMicros = (tasks / slots) * 1000;
      assert.ok(Math.abs(bound - partMicros) < 1e-9, `${tasks} of ${slots}: ${bound}`);
    }
    assert.equal(boundWithin(problem(slots + 1, slots), stretch), Infinity);
  }
});

test("boundOf() holds where what has to be brought from site to site makes kinds share machines better", () => {
  const second = { meanMs: 1000, meanHighMs: 1000, longMs: 1000 };
  const kind = { name: "k", tasks: 1, runTime: second };
  const [machine] = problem(1, 1).types;
  const price = { ...machine!.price, granularityMs: 1 };
  const types = [
    { ...machine!, price, slots: [1, 1], site: "lab", moveMs: [25, 0] },
    { ...machine!, price, slots: [0, 1], countMax: 0, site: "lab" },
    { ...machine!, price, slots: [1, 0], isPresent: true, site: "cloud" },
  ];
  const of: MixProblem = { ...problem(1, 1), work: [kind, kind], types };
  const { finishMs, costMicros } = predict(of, [1, 0, 1])!;
  assert.equal(finishMs.high, 1000);
  assert.ok(boundOf(of) <= costMicros.high, `${boundOf(of)} is above ${costMicros.high}`);
});
