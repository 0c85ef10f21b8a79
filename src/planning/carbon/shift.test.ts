import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanopyError } from "#/base/errors.ts";
import { decideShift } from "./shift.ts";

const intensity = fc.integer({ min: 0, max: 1000 });

test("decideShift() runs in the cleanest hours of the forecast, and says why", () => {
  const work = { workHours: 2, windowHours: 4, running: false, restartHours: 0 };
  assert.deepEqual(decideShift(work, [100, 400, 50, 200]), {
    run: true,
    why: {
      reason: "cleaner-now",
      slackHours: 2,
      gramsPerKwhNow: 100,
      gramsPerKwhLimit: 100,
      savingShare: 1 - 150 / 500,
      runsInHour: [true, false, true, false],
    },
  });
  const { run, why } = decideShift(work, [300, 400, 50, 200]);
  assert.deepEqual([run, why.reason, why.gramsPerKwhLimit], [false, "cleaner-later", 200]);
});

test("decideShift() runs when nothing may be waited, or nothing is known", () => {
  const work = { workHours: 1.5, windowHours: 3, running: false, restartHours: 1 };
  assert.equal(decideShift(work, [9, 1, 1]).why.reason, "no-slack");
  const { run, why } = decideShift({ ...work, windowHours: 9 }, [9, 1, 1]);
  assert.deepEqual([run, why.reason], [true, "no-forecast"]);
});

test("decideShift() does not pause for less than what a restart emits", () => {
  const work = { workHours: 2, windowHours: 4, running: true, restartHours: 0.5 };
  assert.deepEqual(decideShift(work, [100, 110, 100, 100]).why.runsInHour?.slice(0, 2), [
    true,
    true,
  ]);
  assert.deepEqual(decideShift(work, [100, 400, 100, 100]).why.runsInHour?.slice(0, 3), [
    true,
    false,
    true,
  ]);
});

test("decideShift() plans the least that its forecast allows", () => {
  const forecasts = fc.array(intensity, { minLength: 2, maxLength: 9 });
  const restarts = fc.constantFrom(0, 0.25, 1);
  fc.assert(
    fc.property(forecasts, fc.nat(), restarts, fc.boolean(), (forecast, seed, restart, running) => {
      const windowHours = forecast.length;
      const workHours = 1 + (seed % windowHours);
      const work = { workHours, windowHours, running, restartHours: restart };
      const plan = decideShift(work, forecast).why.runsInHour;
      if (plan === undefined) return;
      const grams = (runs: boolean[]) =>
        runs.reduce((sum, runsNow, hour) => {
          const continues = hour === 0 ? running : runs[hour - 1]!;
          return sum + (runsNow ? forecast[hour]! * (continues ? 1 : 1 + restart) : 0);
        }, 0);
      let least = Infinity;
      for (let mask = 0; mask < 1 << windowHours; mask++) {
        const runs = forecast.map((_, hour) => ((mask >> hour) & 1) === 1);
        if (runs.filter(Boolean).length === workHours) least = Math.min(least, grams(runs));
      }
      assert.equal(plan.filter(Boolean).length, workHours);
      assert.ok(Math.abs(grams(plan) - least) < 1e-6);
    }),
  );
});

test("decideShift() is never late, whatever is forecast", () => {
  const cases = fc.record({
    workHours: fc.integer({ min: 1, max: 200 }).map((tenths) => tenths / 10),
    spareHours: fc.nat(20),
    restartHours: fc.integer({ min: 0, max: 20 }).map((tenths) => tenths / 10),
    forecasts: fc.infiniteStream(fc.array(intensity, { minLength: 60, maxLength: 60 })),
  });
  fc.assert(
    fc.property(cases, ({ workHours, spareHours, restartHours, forecasts }) => {
      let left = workHours;
      let running = false;
      let windowHours = Math.ceil(workHours + restartHours) + spareHours;
      while (left > 1e-9) {
        assert.ok(windowHours > 0, `${left} h are left at the deadline`);
        const forecast = forecasts.next().value!;
        const { run } = decideShift(
          { workHours: left, windowHours, running, restartHours },
          forecast,
        );
        if (run) left -= running ? 1 : Math.max(0, 1 - restartHours);
        // A start that takes longer than its hour owes the rest.
        if (run && !running) left += Math.max(0, restartHours - 1);
        running = run;
        windowHours--;
      }
    }),
  );
});

test("decideShift() refuses work that there is not", () => {
  const work = { workHours: 0, windowHours: 4, running: false, restartHours: 0 };
  const isInvalid = (error: unknown) => error instanceof CanopyError && error.code === "invalid";
  assert.throws(() => decideShift(work, undefined), isInvalid);
  assert.throws(
    () => decideShift({ ...work, workHours: 1, windowHours: 1.5 }, undefined),
    isInvalid,
  );
});

test("decideShift() keeps work that is whole in one piece, in the cleanest hours in a row", () => {
  const work = { workHours: 2, windowHours: 5, running: false, restartHours: 0, isWhole: true };
  const { run, why } = decideShift(work, [100, 400, 50, 60, 90]);
  assert.deepEqual([run, why.runsInHour], [false, [false, false, true, true, false]]);
  const under = decideShift({ ...work, running: true }, [900, 900, 1, 1, 1]);
  assert.deepEqual([under.run, under.why.reason], [true, "under-way"]);
  assert.equal(decideShift(work, [50, 50, 50, 50, 50]).run, true);
});

test("decideShift() waits only for what is cleaner by more than its margin", () => {
  const work = { workHours: 1, windowHours: 3, running: false, restartHours: 0 };
  assert.equal(decideShift(work, [100, 90, 95], [0, 5, 5]).run, false);
  assert.equal(decideShift(work, [100, 90, 95], [0, 15, 15]).run, true);
});
