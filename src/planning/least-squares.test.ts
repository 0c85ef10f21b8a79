import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LeastSquares } from "./least-squares.ts";

const coefficient = fc.integer({ min: -100, max: 100 }).map((tenths) => tenths / 10);

test("coefficients() gives back those that the examples were made with", () => {
  const inputs = fc.array(fc.tuple(coefficient, coefficient), { minLength: 12, maxLength: 40 });
  fc.assert(
    fc.property(fc.tuple(coefficient, coefficient), inputs, ([a, b], rows) => {
      const spread = [[7, 1], [-3, 8], [5, -9], ...rows];
      const fit = new LeastSquares(2, 1);
      for (const [x = 0, y = 0] of spread) fit.learn(new Float64Array([x, y]), a * x + b * y);
      const [foundA, foundB] = fit.coefficients(new Float64Array(2), 1e-9);
      assert.ok(Math.abs(foundA! - a) < 1e-6 && Math.abs(foundB! - b) < 1e-6);
    }),
  );
});

test("coefficients() is the prior before anything was learned", () => {
  const prior = new Float64Array([0.5, -2]);
  assert.deepEqual(new LeastSquares(2, 0.9).coefficients(prior, 3), prior);
});

test("learn() forgets what is old", () => {
  const fit = new LeastSquares(1, 0.5);
  for (let example = 0; example < 40; example++) fit.learn(new Float64Array([1]), 100);
  for (let example = 0; example < 40; example++) fit.learn(new Float64Array([1]), 5);
  assert.ok(Math.abs(fit.coefficients(new Float64Array(1), 1e-9)[0]! - 5) < 1e-6);
});
