import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { median, medians, quantile, tableOf } from "./figures.ts";

test("quantile() gives the smallest value that so many do not exceed", () => {
  const values = fc.array(fc.integer(), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, q) => {
      const value = quantile(all, q);
      const below = all.filter((other) => other < value).length;
      const upTo = all.filter((other) => other <= value).length;
      assert.ok(all.includes(value) && upTo >= q * all.length - 1e-9 && below < q * all.length);
    }),
  );
  assert.ok(Number.isNaN(median([])));
});

test("medians() takes each figure by itself", () => {
  const runs = [
    { startMs: 1, tasks: 30 },
    { startMs: 9, tasks: 10 },
    { startMs: 5, tasks: 20 },
  ];
  assert.deepEqual(medians(runs), { startMs: 5, tasks: 20 });
});

test("tableOf() shows figures, peers and ratios under each other", () => {
  const report = {
    bench: "b",
    figures: { aMs: 1.234, bMs: 1234.5 },
    peers: { p: { aMs: 2 } },
    ratios: { p: 2 },
  };
  assert.equal(
    tableOf(report),
    "b\n  aMs  1.234\n  bMs  1,235\n\np (peer)\n  aMs  2\n\ntimes better than\n  p  2",
  );
});
