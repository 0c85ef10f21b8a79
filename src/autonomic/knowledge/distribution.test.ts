import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import { anything, possible, type Distribution, type Observations } from "./distribution.ts";

const nothing: Observations = { endedMs: [], runningMs: [] };

/** Quantiles in the mean over many possible worlds. */
function meanQuantile(seen: Observations, u: number, beyondMs?: number): number {
  let sum = 0;
  const worlds = 200;
  for (let seed = 0; seed < worlds; seed++)
    sum += Math.log(possible(seen, anything, new Chance(seed)).quantileMs(u, beyondMs));
  return Math.exp(sum / worlds);
}

function spread(seen: Observations): number {
  const medians = Array.from({ length: 200 }, (_, seed) =>
    Math.log(possible(seen, anything, new Chance(seed)).quantileMs(0.5)),
  );
  const mean = medians.reduce((sum, one) => sum + one, 0) / medians.length;
  return Math.sqrt(medians.reduce((sum, one) => sum + (one - mean) ** 2, 0) / medians.length);
}

const normal = (chance: Chance) =>
  Math.sqrt(-2 * Math.log(1 - chance.fraction())) * Math.cos(2 * Math.PI * chance.fraction());
const drawn = (count: number, seed = 7) => {
  const chance = new Chance(seed);
  return Array.from({ length: count }, () => 1000 * Math.exp(0.5 * normal(chance)));
};

describe("possible()", () => {
  test("gives back the distribution that many observations were drawn from", () => {
    const seen = { endedMs: drawn(256), runningMs: [] };
    const exact = (z: number) => 1000 * Math.exp(0.5 * z);
    for (const [u, z] of [
      [0.1, -1.2816],
      [0.5, 0],
      [0.9, 1.2816],
    ] as const) {
      const ratio = meanQuantile(seen, u) / exact(z);
      assert.ok(ratio > 0.8 && ratio < 1.25, `at ${u} it is ${ratio} of what it should be`);
    }
  });

  test("is the less sure the less was seen", () => {
    const few = spread({ endedMs: drawn(3), runningMs: [] });
    const many = spread({ endedMs: drawn(256), runningMs: [] });
    assert.ok(few > 4 * many, `${few} against ${many}`);
  });

  test("takes those still running as longer than they have run: leaving them out would make it too short", () => {
    const lengths = drawn(256);
    const limitMs = 1000;
    const endedMs = lengths.filter((ms) => ms <= limitMs);
    const runningMs = lengths.filter((ms) => ms > limitMs).map(() => limitMs);
    const median = meanQuantile({ endedMs, runningMs }, 0.4);
    const naive = meanQuantile({ endedMs, runningMs: [] }, 0.4);
    const exact = 1000 * Math.exp(0.5 * -0.2533);
    assert.ok(Math.abs(median / exact - 1) < 0.1, `${median} against ${exact}`);
    assert.ok(naive < median);
  });

  test("quantileMs() and shareBelow() are each other's inverse, grow, and keep to what has been run", () => {
    const times = fc.array(fc.double({ min: 0.1, max: 1e8, noNaN: true }), { maxLength: 12 });
    const share = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(times, times, share, share, fc.nat(), (endedMs, runningMs, a, b, seed) => {
        const of: Distribution = possible({ endedMs, runningMs }, anything, new Chance(seed));
        const [low, high] = a < b ? [a, b] : [b, a];
        const from = of.quantileMs(low);
        assert.ok(from > 0 && Number.isFinite(from));
        assert.ok(from <= of.quantileMs(high) * 1.000001);
        assert.ok(of.quantileMs(high, from) >= from * 0.999999);
        assert.ok(of.shareBelow(from) <= low + 0.01);
        assert.ok(of.shareBelow(from * 1.2) >= low - 0.01);
      }),
    );
  });

  test("with nothing seen it is the wider distribution", () => {
    assert.equal(possible(nothing, anything, new Chance(1)), anything);
  });
});
