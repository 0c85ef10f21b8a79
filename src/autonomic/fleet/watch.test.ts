import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ages, Load } from "./watch.ts";

const longestMs = 120_000;

describe("Ages", () => {
  test("tells for how long the first of what waits has, and how many came with it", () => {
    const ages = new Ages();
    const look = (arrived: number, waiting: number, nowMs: number) =>
      ages.look("s", { arrived, waiting }, nowMs, longestMs);
    assert.deepEqual(look(10, 10, 1000), { ageMs: 0, tasks: 10 });
    assert.deepEqual(look(10, 6, 11_000), { ageMs: 10_000, tasks: 6 });
    // More come a little later, and more much later.
    assert.deepEqual(look(15, 9, 21_000), { ageMs: 20_000, tasks: 9 });
    assert.deepEqual(look(40, 34, 81_000), { ageMs: 80_000, tasks: 9 });
    // The first ones have begun.
    assert.deepEqual(look(40, 27, 91_000), { ageMs: 70_000, tasks: 2 });
    assert.deepEqual(look(40, 20, 101_000), { ageMs: 20_000, tasks: 20 });
    assert.deepEqual(look(40, 0, 111_000), { ageMs: 0, tasks: 0 });
  });
});

describe("Load", () => {
  test("is the part that was held over the window, and is not told before there was one", () => {
    const load = new Load();
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 1000)
      load.look(nowMs < 30_000 ? 1 : 0, nowMs < 30_000 ? 2 : 0, nowMs, 60_000);
    assert.equal(load.average(59_000, 60_000), undefined);
    assert.ok(Math.abs(load.average(60_000, 60_000)! - 0.5) < 0.02);
    assert.equal(load.idleMs(60_000), 30_000);
    for (let nowMs = 61_000; nowMs <= 120_000; nowMs += 1000) load.look(0, 0, nowMs, 60_000);
    assert.ok(load.average(120_000, 60_000)! < 0.03);
    load.look(0.25, 1, 121_000, 60_000);
    assert.equal(load.idleMs(121_000), 0);
  });

  test("is known over each window that is not longer than what is kept", () => {
    const load = new Load();
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 1000)
      load.look(nowMs < 560_000 ? 1 : 0, 0, nowMs, 600_000);
    assert.ok(Math.abs(load.average(600_000, 600_000)! - 0.93) < 0.02);
    assert.ok(Math.abs(load.average(600_000, 60_000)! - 0.33) < 0.1);
    assert.ok(load.average(600_000, 20_000)! < 0.05);
  });
});
