import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { histogramIndex } from "./run-time-histogram.ts";

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
