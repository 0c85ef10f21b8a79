import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { standardNormal } from "#/planning/normal.ts";
import { observedOf } from "./observed.ts";

const deviation = 0.8;
const trueMeanMs = 1000 * Math.exp(deviation ** 2 / 2);

/** Of so many tasks that began together, those that have ended by `byMs`, and those that have not. */
function afterAWhile(tasks: number, byMs: number, seed: number) {
  const chance = new Chance(seed);
  const allMs = Array.from(
    { length: tasks },
    () => 1000 * Math.exp(deviation * standardNormal.quantile(chance.fraction())),
  );
  return {
    endedMs: allMs.filter((ms) => ms <= byMs),
    runningMs: allMs.filter((ms) => ms > byMs).map(() => byMs),
  };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("observedOf()", () => {
  test("knows nothing before a task has ended", () => {
    assert.equal(observedOf({ endedMs: [], runningMs: [500] }), undefined);
  });

  test("is the plain mean and variance of what has ended when little is under way", () => {
    const found = observedOf({ endedMs: [100, 200, 300], runningMs: [50] }, 90)!;
    assert.deepEqual([found.count, found.meanMs], [90, 200]);
    assert.ok(Math.abs(found.variance - 20_000 / 3) < 1e-6);
  });

  test("counts those under way as longer than they have run: those that end first are the short ones", () => {
    const errors: number[] = [];
    const naive: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const seen = afterAWhile(60, 800, seed);
      errors.push(Math.log(observedOf(seen)!.meanMs / trueMeanMs));
      naive.push(Math.log(mean(seen.endedMs) / trueMeanMs));
    }
    assert.ok(mean(naive) < -0.8, `without them it is short by ${mean(naive)}`);
    assert.ok(Math.abs(mean(errors)) < 0.2, `off by ${mean(errors)}`);
  });
});
