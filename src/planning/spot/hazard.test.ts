import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ageClassHours, ageClassOf, expectedHours, learnHazards } from "./hazard.ts";

const hourMs = 3_600_000;

test("learnHazards() counts ends over hours in each age class, with one imagined end", () => {
  // Available for 2 hours, away for 1/4 hour, and then available for 5 hours until now.
  const changesMs = [2, 2.25].map((hours) => hours * hourMs);
  const history = { fromMs: 0, untilMs: 7.25 * hourMs, availableFirst: true, changesMs };
  const { available, unavailable } = learnHazards(history);
  assert.deepEqual(ageClassHours.slice(0, 4), [0, 1 / 3, 1, 3]);
  const near = (found: number | undefined, rate: number) =>
    assert.ok(Math.abs(found! - rate) < 1e-9, `${found} for ${rate}`);
  near(available[0], 1 / (2 / 3 + 1 + 1 / 6));
  near(available[2], 2 / (1 + 2 + 1 + 2));
  near(available[3], 1 / (2 + 1 + 5.5));
  near(unavailable[0], 2 / (0.25 + 1 + 1 / 6));
  near(unavailable[5], 1 / (1 + 36));
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
