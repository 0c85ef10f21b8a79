import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { beliefOf, toldBelief } from "./beliefs.ts";

describe("beliefOf()", () => {
  test("knows the mean of many tasks well, and of one badly", () => {
    const many = beliefOf({ count: 10_000, meanMs: 1000, variance: 100 ** 2 });
    assert.ok(many.meanHighMs < 1010, `${many.meanHighMs}`);
    assert.ok(many.longMs > 1150 && many.longMs < 1180, `${many.longMs}`);
    const one = beliefOf({ count: 1, meanMs: 1000, variance: 0 });
    assert.ok(one.meanHighMs > 1400, `${one.meanHighMs}`);
  });

  test("is never surer with fewer tasks, and keeps its order", () => {
    const seen = fc.record({
      count: fc.integer({ min: 1, max: 10_000 }),
      meanMs: fc.double({ min: 1, max: 1e8, noNaN: true }),
      spread: fc.double({ min: 0, max: 3, noNaN: true }),
    });
    fc.assert(
      fc.property(seen, ({ count, meanMs, spread }) => {
        const variance = (spread * meanMs) ** 2;
        const { meanMs: mean, meanHighMs, longMs } = beliefOf({ count, meanMs, variance });
        assert.ok(mean <= meanHighMs && mean <= longMs);
        const more = beliefOf({
          count: count * 2,
          meanMs,
          variance: Math.min(variance, (0.5 * meanMs) ** 2),
        });
        assert.ok(
          more.meanHighMs <=
            beliefOf({ count, meanMs, variance: (0.5 * meanMs) ** 2 }).meanHighMs + 1e-6,
        );
      }),
    );
  });
});

describe("toldBelief()", () => {
  test("trusts a person's word to a quarter", () => {
    assert.deepEqual(toldBelief(1000), { meanMs: 1000, meanHighMs: 1250, longMs: 1500 });
  });
});
