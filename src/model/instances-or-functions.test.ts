import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { breakeven, waysToRun } from "./instances-or-functions.ts";

test("breakeven() says how many seconds of functions the money of an instance buys", () => {
  const { instanceCost, seconds } = breakeven(
    { perHour: 0.272, hours: 730 },
    { perGbSecond: 0.00001667, memoryGb: 7 },
  );
  assert.equal(instanceCost.toFixed(2), "198.56");
  assert.equal(seconds, 1_701_602);
  assert.equal(Math.floor(seconds / 60), 28_360);
  assert.equal((seconds / 3600).toFixed(3), "472.667");
});

test("breakeven() refuses what is free", () => {
  const instance = { perHour: 1, hours: 1 };
  const invalid = { code: "invalid", message: /perGbSecond must be above 0: it is 0/ };
  assert.throws(() => breakeven(instance, { perGbSecond: 0, memoryGb: 1 }), invalid);
});

test("waysToRun() is what trying every number of instances, run by run, gives", () => {
  const whole = (max: number, min = 1) => fc.integer({ min, max });
  fc.assert(
    fc.property(
      whole(60),
      whole(500),
      fc.record({
        perHour: whole(20),
        cpus: whole(5),
        bootSeconds: whole(400, 0),
        billedSeconds: fc.constantFrom(1, 60, 3600),
      }),
      (count, seconds, offer) => {
        const ways = waysToRun({ count, seconds }, offer);
        const all = Array.from({ length: count }, (_, index) =>
          playedOut(count, seconds, offer, index + 1),
        );
        const fastest = Math.min(...all.map((way) => way.seconds));
        const cheapest = Math.min(...all.map((way) => way.cost));
        assert.equal(ways[0]!.seconds, fastest);
        assert.ok(Math.abs(ways.at(-1)!.cost - cheapest) < 1e-9);
        for (const way of ways) {
          const { seconds: end, cost } = all[way.count - 1]!;
          assert.ok(way.seconds === end && Math.abs(way.cost - cost) < 1e-9);
        }
        for (const [index, way] of ways.entries()) {
          const before = ways[index - 1];
          assert.ok(!before || (before.seconds < way.seconds && before.cost > way.cost));
        }
      },
    ),
  );
});

/** Each run goes to the CPU that is free first, those of one instance side by side. */
function playedOut(
  runs: number,
  seconds: number,
  offer: { perHour: number; cpus: number; bootSeconds: number; billedSeconds: number },
  instances: number,
) {
  const rounds = Array.from({ length: instances * offer.cpus }, () => 0);
  for (let run = 0; run < runs; run++) rounds[run % rounds.length]! += 1;
  const ends = Array.from({ length: instances }, (_, index) => {
    const own = rounds.slice(index * offer.cpus, (index + 1) * offer.cpus);
    return Math.max(...own) === 0 ? 0 : offer.bootSeconds + Math.max(...own) * seconds;
  });
  const billed = ends.map((end) => Math.ceil(end / offer.billedSeconds) * offer.billedSeconds);
  const cost = (billed.reduce((sum, end) => sum + end, 0) * offer.perHour) / 3600;
  return { seconds: Math.max(...ends), cost };
}

test("waysToRun() puts functions beside instances: first by time where instances boot for long", () => {
  const ways = waysToRun(
    { count: 2500, seconds: 60 },
    { perHour: 0.272, cpus: 4, bootSeconds: 300, billedSeconds: 3600 },
    { perGbSecond: 0.00001667, memoryGb: 7, startSeconds: 1 },
  );
  assert.deepEqual([ways[0]!.kind, ways[0]!.seconds], ["functions", 61]);
  assert.equal(ways.at(-1)!.kind, "instances");
  const few = { perGbSecond: 0.00001667, memoryGb: 7, startSeconds: 0, concurrencyMax: 1000 };
  const [limited] = waysToRun({ count: 2500, seconds: 60 }, undefined, few);
  assert.deepEqual([limited!.count, limited!.seconds], [1000, 180]);
});
