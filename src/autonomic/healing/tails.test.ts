import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chanceOfAtLeast } from "./tails.ts";

test("chanceOfAtLeast() is what drawing with one more of the same kind each time comes to", () => {
  // Pólya's urn: an exact recursion over what is drawn
  const urn = (count: number, trials: number, hits: number, misses: number): number => {
    if (count <= 0) return 1;
    if (count > trials) return 0;
    const p = hits / (hits + misses);
    return (
      p * urn(count - 1, trials - 1, hits + 1, misses) +
      (1 - p) * urn(count, trials - 1, hits, misses + 1)
    );
  };
  const seen = fc.double({ min: 0.1, max: 50, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.nat(13),
      seen,
      seen,
      (trials, count, hits, misses) => {
        const chance = chanceOfAtLeast(count, trials, { hits, misses });
        assert.ok(Math.abs(chance - urn(count, trials, hits, misses)) < 1e-9);
      },
    ),
  );
});

test("chanceOfAtLeast() is certain of none, and does not expect more than there are", () => {
  assert.equal(chanceOfAtLeast(0, 5, { hits: 1, misses: 9 }), 1);
  assert.equal(chanceOfAtLeast(6, 5, { hits: 9, misses: 1 }), 0);
  assert.ok(chanceOfAtLeast(3, 5, { hits: 1, misses: 10_000 }) < 1e-9);
  assert.ok(chanceOfAtLeast(5_000, 10_000, { hits: 5_000, misses: 5_000 }) > 0.4);
});
