import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { costOfMachine, type OrderRecord } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";
import { hourlyMax, hourOf, paidMs } from "./bill.ts";

const hourMs = 3_600_000;

const priced = fc.record({
  microsPerHour: fc.integer({ min: 1, max: 5_000_000 }),
  priceGranularityMs: fc.constantFrom(1, 1000, 60_000, 600_000, 1_000_000, hourMs, 24 * hourMs),
  billedMsMin: fc.constantFrom(0, 1000, 60_000, 1_200_000, hourMs, 2 * hourMs),
});

function order(price: object, status: object): OrderRecord {
  const offer = price as Offer;
  return { spec: { offer, orderedAt: 0 }, status } as unknown as OrderRecord;
}

describe("hourlyMax()", () => {
  test("is never exceeded by what is billed within an hour", () => {
    const from = fc.integer({ min: 0, max: 3 * hourMs });
    fc.assert(
      fc.property(priced, from, (offer, fromMs) => {
        // Billed within an hour: what is owed at its end, less what was at its begin.
        const owed = (heldMs: number) => (heldMs <= 0 ? 0 : costOfMachine(offer, heldMs)!);
        const billed = owed(fromMs + hourMs) - owed(fromMs);
        assert.ok(billed <= hourlyMax(offer as Offer)! + 1e-6);
      }),
    );
  });

  test("is unknown where the price is", () => {
    assert.equal(hourlyMax({ priceGranularityMs: 1, billedMsMin: 0 } as Offer), undefined);
  });
});

describe("hourOf()", () => {
  test("counts what is open as for a whole hour, and what has ended by its last one", () => {
    const price = { microsPerHour: 600_000, priceGranularityMs: 1000, billedMsMin: 0 };
    const now = 10 * hourMs;
    const open = order(price, { phase: "joined", billedFrom: now - 1 });
    const ended = (agoMs: number, heldMs: number) =>
      order(price, {
        phase: "released",
        billedFrom: now - agoMs - heldMs,
        endedAt: now - agoMs,
      });
    assert.equal(hourOf([open], now), 600_000);
    assert.equal(hourOf([ended(0, hourMs / 2)], now), 300_000);
    assert.equal(Math.round(hourOf([ended(hourMs / 2, 2 * hourMs)], now)!), 300_000);
    assert.equal(hourOf([ended(2 * hourMs, hourMs)], now), 0);
    const unknown = order({ priceGranularityMs: 1, billedMsMin: 0 }, { phase: "joined" });
    assert.equal(hourOf([open, unknown], now), undefined);
  });
});

describe("paidMs()", () => {
  test("is what is left of the unit that has begun, or of the least time", () => {
    const price = { microsPerHour: 1, priceGranularityMs: 60_000, billedMsMin: 300_000 };
    const held = (ms: number) => order(price, { phase: "joined", billedFrom: 1_000_000 - ms });
    assert.equal(paidMs(held(10_000), 1_000_000), 290_000);
    assert.equal(paidMs(held(310_000), 1_000_000), 50_000);
    assert.equal(paidMs(held(360_000), 1_000_000), 0);
  });
});
