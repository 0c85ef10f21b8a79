import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Load } from "./loads.ts";
import { decideWhen } from "./when.ts";
import { hourMs } from "#/model/units.ts";

const loadOf = (gramsAt: (hour: number) => number | undefined, watts = 100): Load => ({
  watts,
  from: "here",
  gramsAt,
  marginAt: () => 0,
});
const work = { now: 10 * hourMs, isRunning: false, isWhole: false };

test("decideWhen() waits until the first of the cleanest hours, and says what that saves", () => {
  const loads = [loadOf((hour) => [400, 300, 100][hour - 10] ?? 200)];
  const when = decideWhen({ ...work, leftMs: 6 * hourMs, workMs: hourMs, loads });
  assert.deepEqual([when.run, when.until, when.savingShare], [false, 12 * hourMs, 0.75]);
  assert.deepEqual([when.gramsPerKwhNow, when.gramsPerKwhThen], [400, 100]);
  assert.ok(when.leftMsMax() < 6 * hourMs);
  const sooner = decideWhen({ ...work, leftMs: when.leftMsMax(), workMs: hourMs, loads });
  assert.equal(sooner.run, true);
});

test("decideWhen() weighs zones by what is drawn there", () => {
  const rising = loadOf((hour) => hour * 10, 600);
  const falling = loadOf((hour) => 1000 - hour * 50, 100);
  const one = { ...work, leftMs: 5 * hourMs, workMs: hourMs };
  assert.equal(decideWhen({ ...one, loads: [rising, falling] }).run, true);
  assert.equal(
    decideWhen({ ...one, loads: [rising, falling, falling, falling, falling] }).run,
    false,
  );
});

test("decideWhen() runs where one hour is not known, and where it has no power to compare", () => {
  const one = { ...work, leftMs: 5 * hourMs, workMs: hourMs };
  const known = decideWhen({ ...one, loads: [loadOf((hour) => (hour === 11 ? undefined : 100))] });
  assert.deepEqual([known.run, known.reason], [true, "no-forecast"]);
  assert.equal(decideWhen({ ...one, loads: undefined }).run, true);
});

test("decideWhen() is never late, whatever power will be, and a tenth slower than thought", () => {
  const cases = fc.record({
    workMs: fc.integer({ min: 1000, max: 8 * hourMs }),
    spareMs: fc.integer({ min: 0, max: 30 * hourMs }),
    now: fc.integer({ min: 0, max: 100 * hourMs }),
    isWhole: fc.boolean(),
    grams: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 150, maxLength: 150 }),
  });
  fc.assert(
    fc.property(cases, ({ workMs, spareMs, now: begin, isWhole, grams }) => {
      const reserveMs = Math.max(2000, workMs * 0.1);
      const deadline = begin + workMs + reserveMs + spareMs;
      let left = workMs;
      let now = begin;
      let isRunning = false;
      while (left > 0) {
        const { run, partMs, until } = decideWhen({
          now,
          leftMs: deadline - now,
          workMs: left,
          loads: [loadOf((hour) => grams[hour])],
          isRunning,
          isWhole,
        });
        assert.ok(run || until > now);
        const next = (Math.floor(now / partMs) + 1) * partMs;
        const stepMs = run ? Math.min(left, next - now) : next - now;
        if (run) left -= stepMs;
        assert.ok(!isWhole || !isRunning || run, "what is whole was paused");
        isRunning = run;
        now += stepMs;
      }
      assert.ok(now <= deadline, `${now - deadline} ms late`);
    }),
    { numRuns: 60 },
  );
});
