import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ageClassHours,
  ageClassOf,
  expectedHours,
  learnHazards,
  survivalChance,
} from "./hazard.ts";

const hourMs = 3_600_000;

test("learnHazards() counts ends over hours in each age class, with one imagined end", () => {
  // Available for 2 hours, away for 1/4 hour, and then available for 5 hours until now.
  const changesMs = [2, 2.25].map((hours) => hours * hourMs);
  const history = { fromMs: 0, untilMs: 7.25 * hourMs, availableFirst: true, changesMs };
  const { available, unavailable } = learnHazards(history);
  const rateFrom = (rates: Float64Array, ageHours: number) => rates[ageClassOf(ageHours)]!;
  const near = (found: number, rate: number) =>
    assert.ok(Math.abs(found - rate) < 1e-9, `${found} for ${rate}`);
  assert.ok([1, 3, 8, 24].every((hours) => ageClassHours.some((bound) => bound === hours)));
  // From 1 to 3 hours: one end, and 1 and 2 hours seen; then none in 2 hours; none ever older than 24 hours.
  near(rateFrom(available, 1), 2 / (1 + 2 + 1 + 2));
  near(rateFrom(available, 3), 1 / (2 + 1 + 5.5));
  near(rateFrom(unavailable, 24), 1 / (1 + 36));
  assert.ok(rateFrom(unavailable, 0.25) > rateFrom(available, 0.25));
});

test("learnHazards() finds the rate that stretches were made with", () => {
  // Quantiles of an exponential distribution with a mean of two hours, one after the other.
  const lengths = Array.from({ length: 2000 }, (_, index) => -2 * Math.log((index + 0.5) / 2000));
  let atMs = 0;
  const changesMs = lengths.flatMap((hours) => {
    const endMs = atMs + hours * hourMs;
    atMs = endMs + hourMs;
    return [endMs, atMs];
  });
  const { available } = learnHazards({ fromMs: 0, untilMs: atMs, availableFirst: true, changesMs });
  for (const rate of available.slice(0, 4)) assert.ok(Math.abs(rate - 0.5) < 0.05, String(rate));
});

test("survivalChance() is that of one step after the other", () => {
  const rate = fc.integer({ min: 5, max: 300 }).map((hundredths) => hundredths / 100);
  const rates = fc.array(rate, {
    minLength: ageClassHours.length,
    maxLength: ageClassHours.length,
  });
  const tenths = fc.integer({ min: 0, max: 300 }).map((count) => count / 10);
  fc.assert(
    fc.property(rates, tenths, tenths, tenths, (all, age, first, second) => {
      const chance = (from: number, hours: number) =>
        survivalChance(Float64Array.from(all), from, hours);
      const both = chance(age, first) * chance(age + first, second);
      assert.ok(Math.abs(chance(age, first + second) - both) < 1e-9);
      assert.equal(chance(age, 0), 1);
    }),
  );
  const constant = new Float64Array(ageClassHours.length).fill(0.5);
  assert.ok(Math.abs(survivalChance(constant, 0.2, 4) - Math.exp(-2)) < 1e-12);
});

test("expectedHours() is the integral of the chance to have lasted", () => {
  const rate = fc.integer({ min: 5, max: 300 }).map((hundredths) => hundredths / 100);
  const rates = fc.array(rate, {
    minLength: ageClassHours.length,
    maxLength: ageClassHours.length,
  });
  fc.assert(
    fc.property(
      rates,
      fc.integer({ min: 0, max: 300 }).map((tenths) => tenths / 10),
      (all, age) => {
        const hours = expectedHours(Float64Array.from(all), age);
        const step = 0.002;
        let survives = 1;
        let integral = 0;
        for (let at = age; survives > 1e-6; at += step) {
          const next = survives * Math.exp(-all[ageClassOf(at + step / 2)]! * step);
          integral += ((survives + next) / 2) * step;
          survives = next;
        }
        assert.ok(Math.abs(hours - integral) < 0.01 * integral + 1e-3, `${hours} for ${integral}`);
      },
    ),
    { numRuns: 30 },
  );
});
