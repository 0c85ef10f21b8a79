import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { price } from "./price.ts";
import { listPrices, ratesOf } from "./prices.ts";

const GiB = 2 ** 30;
const capacity = { milliCpus: 4000, memoryBytes: 16 * GiB };
const rates = { microsPerHour: 400_000, idleWatts: 40, peakWatts: 100, pue: 1.5 };
const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
const usage = {
  startedAt: 0,
  wallMs: 3_600_000,
  cpuMs: 1_800_000,
  memoryBytes: GiB,
  readBytes: 3,
  writtenBytes: 4,
};

describe("price()", () => {
  test("takes money for the larger share of the machine, times the time it was held", () => {
    assert.equal(price(usage, needs, rates, capacity).costMicros, 100_000);
    const half = { ...needs, memoryBytes: 8 * GiB };
    assert.equal(price(usage, half, rates, capacity).costMicros, 200_000);
    assert.equal(
      price({ ...usage, memoryBytes: 12 * GiB }, needs, rates, capacity).costMicros,
      300_000,
    );
  });

  test("takes what was used where that is more than what was asked for, and never more than the machine", () => {
    assert.equal(price({ ...usage, cpuMs: 7_200_000 }, needs, rates, capacity).costMicros, 200_000);
    assert.equal(price({ ...usage, cpuMs: 1e12 }, needs, rates, capacity).costMicros, 400_000);
  });

  test("has no cost where the machine has no price", () => {
    const free = { ...rates, microsPerHour: undefined };
    assert.equal(price(usage, needs, free, capacity).costMicros, undefined);
  });

  test("counts energy by the share held at rest and the CPU time above it, times the overhead", () => {
    // 40 W × 1/4 × 3600 s at rest; (100 - 40) W × 1800 CPU-s / 4 CPUs above it
    assert.equal(price(usage, needs, rates, capacity).energyJoules, (36_000 + 27_000) * 1.5);
  });

  test("takes what the agent measured before the model, and says which it is", () => {
    const model = price(usage, needs, rates, capacity);
    assert.deepEqual([model.measuredJoules, model.grams], [0, undefined]);
    const measured = price({ ...usage, joules: 1000 }, needs, rates, capacity);
    assert.deepEqual([measured.energyJoules, measured.measuredJoules], [1500, 1500]);
  });

  test("knows no energy where nobody knows the power, and no CO2 where nobody knows how clean it is", () => {
    const dark = price(usage, needs, { ...rates, idleWatts: 0, peakWatts: 0 }, capacity, 300);
    assert.deepEqual([dark.energyJoules, dark.grams], [undefined, undefined]);
    assert.equal(price(usage, needs, rates, capacity).grams, undefined);
    // 94.5 kJ are 26.25 Wh
    assert.equal(price(usage, needs, rates, capacity, 400).grams, 10.5);
    assert.equal(price(usage, needs, rates, capacity, 0).grams, 0);
  });

  test("sums what was measured as it is", () => {
    const { attempts, wallMs, cpuMs, memoryByteSeconds, memoryPeakBytes, readBytes, writtenBytes } =
      price(usage, needs, rates, capacity);
    assert.deepEqual(
      [attempts, wallMs, cpuMs, readBytes, writtenBytes],
      [1, 3_600_000, 1_800_000, 3, 4],
    );
    assert.equal(memoryByteSeconds, GiB * 3600);
    assert.equal(memoryPeakBytes, GiB);
  });

  test("gives finite amounts that are never below 0, and that grow with time", () => {
    const amount = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.integer({ min: 0, max: 64_000 }),
        (wallMs, cpuMs, memoryBytes, milliCpus) => {
          const asked = { ...needs, milliCpus };
          const one = price({ ...usage, wallMs, cpuMs, memoryBytes }, asked, rates, capacity);
          const two = price(
            { ...usage, wallMs: wallMs * 2, cpuMs: cpuMs * 2, memoryBytes },
            asked,
            rates,
            capacity,
          );
          for (const value of [one.costMicros!, one.energyJoules!, one.memoryByteSeconds]) {
            assert.ok(Number.isFinite(value) && value >= 0);
          }
          assert.ok(two.costMicros! >= one.costMicros! && two.energyJoules! >= one.energyJoules!);
        },
      ),
    );
  });
});

describe("ratesOf()", () => {
  test("prices a machine by its CPUs and its memory", () => {
    const { microsPerHour, idleWatts, peakWatts, pue } = ratesOf(capacity);
    assert.equal(microsPerHour, 4 * 31_611 + 16 * 4_237);
    assert.ok(idleWatts < peakWatts);
    assert.equal(pue, listPrices.pue);
  });

  test("takes another price list", () => {
    const prices = { ...listPrices, microsPerCpuHour: 1, microsPerGibHour: 0 };
    assert.equal(ratesOf(capacity, prices).microsPerHour, 4);
  });
});
