import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { combinationAt, faultOfValues, gridSize, type Grid } from "./grid.ts";

const values = fc.oneof(
  fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 5 }),
  fc
    .record({
      from: fc.integer({ min: -20, max: 20 }),
      steps: fc.integer({ min: 0, max: 5 }),
      by: fc.constantFrom(1, 2, 0.1, 0.25),
    })
    .map(({ from, steps, by }) => ({ from, to: Number((from + steps * by).toPrecision(12)), by })),
);
const name = fc.stringMatching(/^[a-z]{1,3}$/);
const grid: fc.Arbitrary<Grid> = fc.dictionary(name, values, { maxKeys: 4 });

test("combinationAt() gives each combination once, and its number follows from it", () => {
  fc.assert(
    fc.property(grid, (parameters) => {
      const size = gridSize(parameters);
      const seen = new Set<string>();
      for (let number = 0; number < size; number++) {
        const combination = combinationAt(parameters, number);
        assert.deepEqual(Object.keys(combination), Object.keys(parameters));
        seen.add(JSON.stringify(combination));
        assert.equal(numberOf(parameters, combination), number);
      }
      assert.equal(seen.size, size);
    }),
  );
});

/** The other way, by listing: shares no arithmetic with what it checks. */
function numberOf(parameters: Grid, combination: Record<string, unknown>): number {
  let all: Record<string, unknown>[] = [{}];
  for (const key of Object.keys(parameters)) {
    all = all.flatMap((one) => listed(parameters[key]!).map((value) => ({ ...one, [key]: value })));
  }
  return all.findIndex((one) => JSON.stringify(one) === JSON.stringify(combination));
}

function listed(wheel: Grid[string]): unknown[] {
  if (Array.isArray(wheel)) return wheel;
  const hundredths = (value: number) => Math.round(value * 100);
  const found: number[] = [];
  const step = hundredths(wheel.by ?? 1);
  for (let at = hundredths(wheel.from); at <= hundredths(wheel.to); at += step)
    found.push(at / 100);
  return found;
}

test("gridSize() counts both ends of a range, whatever its steps round to", () => {
  assert.equal(gridSize({ a: { from: 0, to: 0.3, by: 0.1 } }), 4);
  assert.deepEqual(combinationAt({ a: { from: 0, to: 0.3, by: 0.1 } }, 3), { a: 0.3 });
  assert.equal(gridSize({ a: { from: 1, to: 1e7 }, b: [1, 2, 3] }), 3e7);
  assert.equal(gridSize({}), 1);
});

test("faultOfValues() names what cannot be unfolded", () => {
  assert.match(faultOfValues([])!, /must have a value/);
  assert.match(faultOfValues({ from: 2, to: 1 })!, /must go up/);
  assert.match(faultOfValues({ from: 0, to: 1e12 })!, /at most/);
  assert.equal(faultOfValues({ from: 1, to: 1 }), undefined);
});
