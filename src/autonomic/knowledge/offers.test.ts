import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import type { OrderRecord, OrderStatus } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";
import { offer as offerOf } from "../testing/planning.ts";
import { bootTimeOf } from "./boot-times.ts";
import { rateOf } from "./interruptions.ts";
import { OfferKnowledge } from "./offers.ts";

const hourMs = 3_600_000;

function offer(more: Partial<Offer> = {}): Offer {
  return offerOf("large/spot/a", {
    site: "aws",
    market: "spot",
    zone: "a",
    bootMs: { median: 60_000, p90: 120_000 },
    interruptionsPerHour: 0.1,
    countMax: 9,
    ...more,
  });
}

let numbered = 0;

function order(of: Offer, orderedAt: number, status: Partial<OrderStatus>): OrderRecord {
  return {
    kind: "order",
    project: "p",
    serial: 0,
    revision: 1,
    name: `o${String(numbered++).padStart(6, "0")}`,
    spec: { site: of.site, offer: of, orderedAt, askedBy: "test" },
    status: { phase: "joined", since: orderedAt, handle: "i-1", ...status },
  };
}

const normal = (chance: Chance) =>
  Math.sqrt(-2 * Math.log(1 - chance.fraction())) * Math.cos(2 * Math.PI * chance.fraction());

describe("bootTimeOf()", () => {
  test("comes from what the site says to what is seen, and its p90 draws in as more is", () => {
    const stated = { median: 60_000, p90: 120_000 };
    const chance = new Chance(5);
    const drawn = (count: number) =>
      Array.from({ length: count }, () => 200_000 * Math.exp(0.2 * normal(chance)));
    const none = bootTimeOf({ joinedMs: [], waitedMs: [] }, stated);
    assert.ok(Math.abs(none.median - 60_000) < 600);
    const few = bootTimeOf({ joinedMs: drawn(3), waitedMs: [] }, stated);
    const many = bootTimeOf({ joinedMs: drawn(200), waitedMs: [] }, stated);
    assert.ok(few.median > 80_000 && few.median < 160_000, `${few.median}`);
    assert.ok(Math.abs(many.median / 200_000 - 1) < 0.07, `${many.median}`);
    assert.ok(Math.abs(many.p90 / 258_000 - 1) < 0.2, `${many.p90}`);
  });

  test("takes those that never joined as longer than they were waited for", () => {
    const chance = new Chance(6);
    const all = Array.from({ length: 200 }, () => 100_000 * Math.exp(0.5 * normal(chance)));
    const joinedMs = all.filter((ms) => ms < 120_000);
    const waitedMs = all.filter((ms) => ms >= 120_000).map(() => 120_000);
    const fitted = bootTimeOf({ joinedMs, waitedMs });
    const naive = bootTimeOf({ joinedMs, waitedMs: [] });
    assert.ok(Math.abs(fitted.median / 100_000 - 1) < 0.1, `${fitted.median}`);
    assert.ok(Math.abs(fitted.p90 / 190_000 - 1) < 0.2, `${fitted.p90}`);
    assert.ok(naive.p90 < 0.75 * fitted.p90);
  });

  test("is finite, and its p90 is no less than its median", () => {
    const times = fc.array(fc.integer({ min: 1, max: 1e7 }), { maxLength: 20 });
    fc.assert(
      fc.property(times, times, (joinedMs, waitedMs) => {
        const { median, p90 } = bootTimeOf({ joinedMs, waitedMs });
        assert.ok(Number.isFinite(p90) && median >= 0 && p90 >= median);
      }),
    );
  });
});

describe("rateOf()", () => {
  test("is what the site says until machines were seen, then what they showed, with a band that draws in", () => {
    const before = rateOf({ hours: 0, taken: 0 }, 0.1);
    assert.ok(Math.abs(before.perHour - 0.1) < 1e-9);
    const little = rateOf({ hours: 10, taken: 4 }, 0.1);
    const much = rateOf({ hours: 1000, taken: 400 }, 0.1);
    assert.ok(little.perHour > 0.1 && little.perHour < 0.4);
    assert.ok(Math.abs(much.perHour - 0.4) < 0.02);
    assert.ok(much.low > 0.35 && much.high < 0.45);
    assert.ok(little.high - little.low > much.high - much.low);
  });

  test("covers the rate that interruptions came at nine times in ten", () => {
    const chance = new Chance(8);
    let within = 0;
    for (let world = 0; world < 400; world++) {
      const stated = 0.05 * Math.exp(normal(chance));
      // Drawn from the prior: a gamma variable of shape 2 is the sum of two exponential ones.
      const exponential = () => -Math.log(1 - chance.fraction());
      const real = (stated * (exponential() + exponential())) / 2;
      const hours = 100 * chance.fraction();
      let taken = 0;
      for (let at = exponential() / real; at < hours; at += exponential() / real) taken++;
      const { low, high } = rateOf({ hours, taken }, stated);
      if (real >= low && real <= high) within++;
    }
    assert.ok(within > 340 && within < 380, `${within} of 400`);
  });

  test("believes a site that never takes machines away, until it has done so more than once", () => {
    assert.equal(rateOf({ hours: 5, taken: 1 }, 0).perHour, 0);
    assert.ok(rateOf({ hours: 5, taken: 3 }, 0).perHour > 0.5);
  });

  test("counts an unknown rate of spot machines as more than none", () => {
    assert.ok(rateOf({ hours: 0, taken: 0 }, undefined).perHour > 0.01);
  });
});

describe("OfferKnowledge", () => {
  test("knows nothing of an offer that was never ordered", () => {
    const knowledge = new OfferKnowledge();
    assert.equal(knowledge.of(offer(), 0), undefined);
    assert.equal(knowledge.known(offer(), 0).bootMs!.p90, 120_000);
  });

  test("plans with boot times and interruptions as they were seen", () => {
    const knowledge = new OfferKnowledge();
    for (let number = 0; number < 20; number++) {
      const orderedAt = number * hourMs;
      const joinedAt = orderedAt + 300_000;
      const endedAt = joinedAt + hourMs;
      const phase = number % 2 === 0 ? "failed" : "released";
      knowledge.saw(order(offer(), orderedAt, { phase, since: endedAt, joinedAt, endedAt }));
    }
    const { bootMs, interruptionsPerHour } = knowledge.known(offer(), 30 * hourMs);
    assert.ok(bootMs!.median > 200_000 && bootMs!.median <= 300_000, `${bootMs!.median}`);
    assert.ok(interruptionsPerHour! > 0.25 && interruptionsPerHour! < 0.6);
    // What a zone showed tells of its other offers, and not of those of another zone.
    const alike = { name: "huge/spot/a", interruptionsPerHour: 0.1 };
    assert.ok(knowledge.known(offer(alike), 30 * hourMs).interruptionsPerHour! > 0.15);
    const elsewhere = { name: "huge/spot/b", zone: "b" };
    assert.equal(knowledge.of(offer(elsewhere), 30 * hourMs), undefined);
    const { hours, taken } = knowledge.of(offer(), 30 * hourMs)!.interruptions;
    assert.deepEqual([Math.round(hours), taken], [20, 10]);
  });

  test("lets an offer rest that gave none, longer each time, until it gives one again", () => {
    const knowledge = new OfferKnowledge();
    const refuse = (at: number) => {
      const refused = order(offer(), at, { phase: "failed", since: at });
      const { handle: _, ...status } = refused.status;
      knowledge.saw({ ...refused, status });
    };
    const rests = (at: number) => knowledge.known(offer(), at).rests;
    refuse(1000);
    assert.match(rests(2000)!, /^its site gave none 1.0s ago; it is asked again in 14s$/);
    assert.equal(rests(20_000), undefined);
    refuse(20_000);
    assert.notEqual(rests(45_000), undefined);
    assert.equal(rests(55_000), undefined);
    knowledge.saw(order(offer(), 60_000, { joinedAt: 90_000 }));
    refuse(100_000);
    assert.equal(rests(116_000), undefined);
    assert.deepEqual(
      [knowledge.of(offer(), 200_000)!.asked, knowledge.of(offer(), 200_000)!.refused],
      [4, 3],
    );
  });

  test("counts an order once, however often it changes, and as it is in the end", () => {
    const knowledge = new OfferKnowledge();
    const booting = order(offer(), 0, { phase: "booting", since: 0 });
    knowledge.saw(booting);
    assert.equal(knowledge.of(offer(), 500_000)!.boot.joined, 0);
    assert.ok(knowledge.of(offer(), 500_000)!.boot.median > 70_000);
    const joined = { ...booting.status, phase: "joined", since: 50_000, joinedAt: 50_000 } as const;
    knowledge.saw({ ...booting, status: joined });
    const { boot, asked } = knowledge.of(offer(), 500_000)!;
    assert.deepEqual([boot.joined, boot.never, asked], [1, 0, 1]);
    assert.ok(boot.median < 60_000);
  });
});
