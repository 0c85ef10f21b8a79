import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { backOffMs, RestingTasks } from "./retry.ts";
import type { StepState } from "./state.ts";

describe("backOffMs()", () => {
  test("doubles with each failure, up to limits.retryMsMax", () => {
    const rests = [1, 2, 3, 4, 20, 2000].map((failures) => backOffMs(500, failures, 0));
    assert.deepEqual(rests, [500, 1000, 2000, 4000, limits.retryMsMax, limits.retryMsMax]);
  });

  test("spreads tasks that failed together over an eighth more", () => {
    const rests = new Set(Array.from({ length: 100 }, (_, index) => backOffMs(8000, 1, index)));
    assert.ok(rests.size > 90);
    for (const restMs of rests) assert.ok(restMs >= 8000 && restMs <= 9000);
  });
});

describe("RestingTasks", () => {
  const stepState = () => ({ resting: 0 }) as StepState;

  test("wakes each task once, when it is due and not before, in order of time", async () => {
    const rests = fc.array(fc.nat(5000), { maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(rests, async (restsMs) => {
        const clock = new ManualClock();
        const startMs = clock.now();
        const step = stepState();
        const woken: [index: number, atMs: number][] = [];
        const resting = new RestingTasks(clock, (_, index) =>
          woken.push([index, clock.now() - startMs]),
        );
        restsMs.forEach((restMs, index) => resting.add(step, index, startMs + restMs));
        assert.equal(step.resting, restsMs.length);
        await clock.advance(5000);
        assert.equal(step.resting, 0);
        assert.deepEqual(
          woken.map(([, atMs]) => atMs),
          restsMs.toSorted((a, b) => a - b),
        );
        for (const [index, atMs] of woken) assert.equal(atMs, restsMs[index]);
        assert.equal(new Set(woken.map(([index]) => index)).size, restsMs.length);
      }),
      { numRuns: 50 },
    );
  });

  test("wakes none of a step that was dropped, and all others", async () => {
    const clock = new ManualClock();
    const [gone, stays] = [stepState(), stepState()];
    const woken: number[] = [];
    const resting = new RestingTasks(clock, (_, index) => woken.push(index));
    for (let index = 0; index < 20; index++) {
      resting.add(index % 3 === 0 ? stays : gone, index, clock.now() + ((index * 7) % 11));
    }
    resting.drop(gone);
    await clock.advance(100);
    assert.deepEqual(
      woken.toSorted((a, b) => a - b),
      [0, 3, 6, 9, 12, 15, 18],
    );
  });

  test("lets nobody rest for hours because the clock was set back", async () => {
    const clock = new ManualClock();
    let woken = 0;
    const resting = new RestingTasks(clock, () => woken++);
    resting.add(stepState(), 0, clock.now() + 24 * 3_600_000);
    await clock.advance(2 * limits.retryMsMax);
    assert.equal(woken, 1);
  });
});
