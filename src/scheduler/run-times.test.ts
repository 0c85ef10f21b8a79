import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { histogramIndex, RunTimes } from "./run-times.ts";

describe("RunTimes", () => {
  test("knows nothing at first, and takes nothing unknown for short", () => {
    const times = new RunTimes();
    assert.equal(times.areShort, false);
    times.add(1);
    assert.equal(times.areShort, true);
  });

  test("goes on from what the step's record says", () => {
    const times = new RunTimes();
    times.include({ attempts: 4, wallMs: 40 });
    times.include({ attempts: 1, wallMs: 35 });
    times.include({ attempts: 0, wallMs: 0 });
    assert.deepEqual([times.samples, times.meanMs], [5, 15]);
  });

  test("is the mean of the first ones, and follows a change later", () => {
    const times = new RunTimes();
    for (const wallMs of [10, 20, 30]) times.add(wallMs);
    assert.ok(Math.abs(times.meanMs - 20) < 1e-9);
    for (let task = 0; task < 1000; task++) times.add(1);
    for (let task = 0; task < 300; task++) times.add(1000);
    assert.ok(times.meanMs > 950 && !times.areShort);
  });
});

describe("histogramIndex()", () => {
  test("is 0 under 1 ms, and doubles from there", () => {
    assert.deepEqual(
      [0, 0.99, 1, 1.99, 2, 3.99, 4, 1000, 1024].map(histogramIndex),
      [0, 0, 1, 1, 2, 2, 3, 10, 11],
    );
  });

  test("puts every run time below the power of two of its place", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (wallMs) => {
        const index = histogramIndex(wallMs);
        assert.ok(wallMs < 2 ** index && (index === 0 || wallMs >= 2 ** (index - 1)));
      }),
    );
  });
});
