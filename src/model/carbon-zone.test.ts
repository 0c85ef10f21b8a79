import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { gramsOfHour, meanGrams, withHours } from "./carbon-zone.ts";
import { hourMs } from "./units.ts";

test("withHours() lays new hours over what is known, and leaves holes null", () => {
  const first = withHours(
    undefined,
    new Map([
      [100, 1],
      [103, 4],
    ]),
    102,
  );
  assert.deepEqual(first, { firstHour: 100, gramsPerKwh: [1, null, null, 4] });
  const second = withHours(
    first,
    new Map([
      [101, 2.0056],
      [103, 5],
    ]),
    102,
  );
  assert.deepEqual(second, { firstHour: 100, gramsPerKwh: [1, 2.01, null, 5] });
  assert.equal(gramsOfHour(second, 102), undefined);
});

test("withHours() keeps no more than is bounded", () => {
  const now = 1_000_000;
  const all = new Map(Array.from({ length: 10_000 }, (_, at) => [now - 5000 + at, 1] as const));
  const { firstHour, gramsPerKwh } = withHours(undefined, all, now);
  assert.equal(firstHour, now - limits.carbonPastHoursMax);
  assert.equal(gramsPerKwh.length, limits.carbonPastHoursMax + limits.carbonAheadHoursMax + 1);
  assert.deepEqual(withHours(undefined, new Map([[5, 1]]), now).gramsPerKwh, []);
});

test("meanGrams() weighs each hour by how much of it there is", () => {
  const gramsAt = (hour: number) => (hour < 5 ? hour * 100 : undefined);
  assert.equal(meanGrams(gramsAt, 2 * hourMs, 3 * hourMs), 200);
  assert.equal(meanGrams(gramsAt, 2.5 * hourMs, 4 * hourMs), (0.5 * 200 + 300) / 1.5);
  assert.equal(meanGrams(gramsAt, 2.5 * hourMs, 2.5 * hourMs), 200);
  assert.equal(meanGrams(gramsAt, 4 * hourMs, 5.1 * hourMs), undefined);
});
