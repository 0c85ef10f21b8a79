import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunTimes } from "./run-times.ts";

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
