import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import { CarbonForecaster } from "./forecast.ts";

/** A grid with solar power: clean at noon, the same every day. */
const daily = (hour: number) => 200 + 80 * Math.cos((2 * Math.PI * hour) / 24);

test("forecast() is undefined until a whole day is known", () => {
  const forecaster = new CarbonForecaster(48);
  for (let hour = 0; hour < 24; hour++) {
    assert.equal(forecaster.forecast(1), undefined);
    forecaster.observe(hour, daily(hour));
  }
  assert.equal(forecaster.forecast(100)?.length, 48);
});

test("forecast() of a grid whose days are alike is that day", () => {
  const forecaster = new CarbonForecaster(48);
  for (let hour = 5; hour < 24 * 5; hour++) forecaster.observe(hour, daily(hour));
  assert.equal(forecaster.nextHour, 24 * 5);
  for (const [index, grams] of forecaster.forecast(48)!.entries())
    assert.ok(Math.abs(grams - daily(24 * 5 + index)) < 1e-6);
});

test("forecast() learns how long a deviation lasts", () => {
  // Each day is cleaner or dirtier as a whole, by chance: what holds now holds until midnight, not after.
  const level = (hour: number) => [0, 60, -60, 30, -45, 80, -20][(Math.floor(hour / 24) * 5) % 7]!;
  const forecaster = new CarbonForecaster(24);
  for (let hour = 0; hour < 24 * 90 + 6; hour++) forecaster.observe(hour, 300 + level(hour));
  const now = level(24 * 90 + 5);
  const [next] = forecaster.forecast(1)!;
  assert.ok(Math.abs(next! - (300 + now)) < 15, `${next} for ${300 + now}`);
});

test("observe() fills hours that were left out, and ignores what is old or no intensity", () => {
  const forecaster = new CarbonForecaster(24);
  for (let hour = 0; hour < 48; hour++) forecaster.observe(hour, daily(hour));
  forecaster.observe(3, 1);
  forecaster.observe(48, Number.NaN);
  forecaster.observe(48, -1);
  assert.equal(forecaster.nextHour, 48);
  forecaster.observe(60, daily(60));
  assert.equal(forecaster.nextHour, 61);
  for (const [index, grams] of forecaster.forecast(24)!.entries())
    assert.ok(Math.abs(grams - daily(61 + index)) < 1e-6);
});

test("forecast() is finite and not below 0 whatever was observed", () => {
  const intensity = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 }));
  fc.assert(
    fc.property(fc.array(intensity, { minLength: 24, maxLength: 200 }), (past) => {
      const forecaster = new CarbonForecaster(30);
      for (const [hour, grams] of past.entries()) forecaster.observe(hour, grams);
      for (const grams of forecaster.forecast(30)!) assert.ok(Number.isFinite(grams) && grams >= 0);
    }),
    { numRuns: 50 },
  );
});

test("margins() are next to nothing where days are alike, and larger the less a forecast says", () => {
  const random = new Chance(7);
  const marginOf = (noise: number) => {
    const forecaster = new CarbonForecaster(24);
    for (let hour = 0; hour < 24 * 30; hour++)
      forecaster.observe(hour, daily(hour) + noise * random.fraction());
    const margins = forecaster.margins(24);
    assert.equal(margins[0], 0);
    return Math.max(...margins);
  };
  assert.ok(marginOf(0) < 0.5, `${marginOf(0)}`);
  assert.ok(marginOf(300) > 10 * marginOf(20), `${marginOf(300)} ${marginOf(20)}`);
});
