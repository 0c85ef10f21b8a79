import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { bandOf } from "./band.ts";

test("bandOf() holds eight in ten of what comes next, however few the samples", () => {
  const chance = new Chance(3);
  for (const samples of [9, 19, 39]) {
    let held = 0;
    const trials = 4000;
    for (let trial = 0; trial < trials; trial++) {
      const band = bandOf(Array.from({ length: samples }, () => chance.fraction()))!;
      const next = chance.fraction();
      if (next >= band.p10 && next <= band.p90) held++;
    }
    assert.ok(Math.abs(held / trials - 0.8) < 0.03, `${held / trials} of ${samples} samples`);
  }
});

test("bandOf() has no band for nothing, and a point for one", () => {
  assert.equal(bandOf([]), undefined);
  assert.deepEqual(bandOf([5]), { p10: 5, p50: 5, p90: 5 });
});
