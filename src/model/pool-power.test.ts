import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { poolPower, type PoolMachine } from "./pool-power.ts";

function machine(heldCpus: number, more: Partial<PoolMachine> = {}): PoolMachine {
  return {
    milliCpus: 4000,
    memoryBytes: 16,
    heldMilliCpus: heldCpus * 1000,
    heldMemoryBytes: heldCpus,
    running: heldCpus,
    power: { idleWatts: 50, peakWatts: 100 },
    wattsNow: undefined,
    gramsPerKwh: 200,
    ...more,
  };
}

describe("poolPower()", () => {
  test("says what packing saves against spreading", () => {
    const { placed, atRest, spread, packed } = poolPower([
      machine(4),
      machine(0),
      machine(0),
      machine(0),
    ]);
    assert.deepEqual(placed, { machines: 4, watts: 250, gramsPerHour: 50 });
    assert.deepEqual(atRest, { machines: 3, watts: 150, gramsPerHour: 30 });
    assert.equal(spread.watts, 250);
    assert.deepEqual(packed, { machines: 1, watts: 100, gramsPerHour: 20 });
  });

  test("packs onto what draws least for a CPU, and onto as many as the memory takes", () => {
    const cool = machine(0, { power: { idleWatts: 10, peakWatts: 60 } });
    assert.equal(poolPower([machine(4), cool]).packed.watts, 60);
    const large = machine(1, { heldMemoryBytes: 20 });
    assert.equal(poolPower([large, machine(0)]).packed.machines, 2);
  });

  test("takes what is measured, and counts what nobody knows apart", () => {
    const found = poolPower([
      machine(4, { wattsNow: 80 }),
      machine(4, { power: undefined }),
      machine(0, { gramsPerKwh: undefined }),
    ]);
    assert.deepEqual(
      [found.placed.watts, found.placed.gramsPerHour, found.unknown, found.measured],
      [130, undefined, 1, 1],
    );
  });

  test("never draws more packed than placed, nor for equal machines than spread", () => {
    const held = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(held, (cpus) => {
        const { placed, spread, packed, atRest } = poolPower(cpus.map((one) => machine(one)));
        assert.ok(packed.watts <= placed.watts - atRest.watts + 1e-9);
        assert.ok(packed.watts <= spread.watts + 1e-9);
      }),
    );
  });
});
