import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import { beliefOf, toldBelief } from "./beliefs.ts";

describe("beliefOf()", () => {
  test("knows the mean of many tasks well, and of one badly", () => {
    const many = beliefOf({ count: 10_000, meanMs: 1000, variance: 100 ** 2 });
    assert.ok(many.meanHighMs < 1010, `${many.meanHighMs}`);
    assert.ok(many.longMs > 1300 && many.longMs < 1450, `${many.longMs}`);
    const one = beliefOf({ count: 1, meanMs: 1000, variance: 0 });
    assert.ok(one.meanHighMs > 1400, `${one.meanHighMs}`);
  });

  test("keeps enough time for the tasks that begin last", () => {
    // Log-normal run times of mean 1 on 20 slots that are never idle: how often is one later than was kept?
    const chance = new Chance(7);
    const sigma = Math.sqrt(Math.log(1 + 0.5 ** 2));
    const draw = () => {
      const radius = Math.sqrt(-2 * Math.log(1 - chance.fraction()));
      return Math.exp(sigma * radius * Math.cos(2 * Math.PI * chance.fraction()) - sigma ** 2 / 2);
    };
    const { longMs, meanHighMs } = beliefOf({ count: 1e9, meanMs: 1, variance: 0.25 }, 20);
    let late = 0;
    const jobs = 2000;
    for (let job = 0; job < jobs; job++) {
      const freeAt = Array.from({ length: 20 }, () => 0);
      let lastStart = 0;
      for (let task = 0; task < 200; task++) {
        const slot = freeAt.indexOf(Math.min(...freeAt));
        lastStart = freeAt[slot]!;
        freeAt[slot]! += draw();
      }
      if (Math.max(...freeAt) > lastStart + longMs) late++;
    }
    assert.ok(meanHighMs < 1.001);
    assert.ok(late < jobs * 0.02, `${late} of ${jobs} were late`);
    assert.ok(longMs < 6, `${longMs} times the mean is kept`);
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
