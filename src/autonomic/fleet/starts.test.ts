import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { startsWithin, type Busy, type FleetMachine } from "./starts.ts";

const kind = {
  needs: { milliCpus: 1000, memoryBytes: 0, labels: {} },
  driver: "runner",
  runMs: 60_000,
};

function machine(more: Partial<FleetMachine> = {}): FleetMachine {
  return {
    name: "m",
    site: "lab",
    capacity: { milliCpus: 4000, memoryBytes: 2 ** 33 },
    labels: {},
    drivers: undefined,
    bootMs: 0,
    slowness: 1,
    share: 1,
    busy: [],
    ...more,
  };
}

describe("startsWithin()", () => {
  test("counts what begins at once, and what begins when that has ended", () => {
    assert.equal(startsWithin(kind, machine(), 0), 4);
    assert.equal(startsWithin(kind, machine(), 59_999), 4);
    assert.equal(startsWithin(kind, machine(), 60_000), 8);
    assert.equal(startsWithin(kind, machine(), 120_000), 12);
  });

  test("begins on a machine that boots when it has, and on what is held when that is free", () => {
    assert.equal(startsWithin(kind, machine({ bootMs: 30_000 }), 29_999), 0);
    assert.equal(startsWithin(kind, machine({ bootMs: 30_000 }), 90_000), 8);
    const busy: Busy[] = [
      { part: 0.25, leftMs: 10_000 },
      { part: 0.25, leftMs: 200_000 },
    ];
    assert.equal(startsWithin(kind, machine({ busy }), 0), 2);
    assert.equal(startsWithin(kind, machine({ busy }), 10_000), 3);
  });

  test("is less where tasks take longer, where others have their share, and none where they do not fit", () => {
    assert.equal(startsWithin(kind, machine({ slowness: 2 }), 119_999), 4);
    assert.equal(startsWithin(kind, machine({ share: 0.5 }), 0), 2);
    assert.equal(startsWithin(kind, machine({ drivers: ["process"] }), 1e9), 0);
    const needs = { ...kind.needs, labels: { gpu: "a100" } };
    assert.equal(startsWithin({ ...kind, needs }, machine(), 1e9), 0);
  });

  test("counts for what is expected from when it is there", () => {
    const expected = { inMs: 30_000, offMs: 0, why: "" };
    assert.equal(startsWithin({ ...kind, expected }, machine({ bootMs: 30_000 }), 0), 4);
    assert.equal(startsWithin({ ...kind, expected }, machine({ bootMs: 40_000 }), 9_999), 0);
  });

  test("grows with the window, and is no more than on a machine that is free", () => {
    const busy = fc.array(
      fc.record({
        part: fc.double({ min: 0, max: 0.5, noNaN: true }),
        leftMs: fc.integer({ min: 0, max: 1e6 }),
      }),
      { maxLength: 6 },
    );
    const window = fc.integer({ min: 0, max: 1e6 });
    fc.assert(
      fc.property(busy, window, window, (held, a, b) => {
        const of = machine({ busy: held });
        const starts = startsWithin(kind, of, Math.min(a, b));
        assert.ok(starts >= 0 && starts <= startsWithin(kind, of, Math.max(a, b)));
        assert.ok(starts <= startsWithin(kind, machine(), Math.min(a, b)));
      }),
    );
  });
});
