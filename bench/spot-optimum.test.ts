import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { simulate, type Choice, type Market, type Terms } from "./spot-market.ts";
import { optimum } from "./spot-optimum.ts";
import { greedy, uniformProgress } from "./spot-references.ts";

const cases = fc
  .record({
    zones: fc.integer({ min: 1, max: 2 }),
    workTicks: fc.integer({ min: 1, max: 6 }),
    slackTicks: fc.integer({ min: 0, max: 5 }),
    changeoverTicks: fc.integer({ min: 0, max: 2 }),
    bits: fc.nat(2 ** 30 - 1),
  })
  .map(({ zones, workTicks, slackTicks, changeoverTicks, bits }) => {
    const windowTicks = workTicks + changeoverTicks + slackTicks;
    const available = (zone: number) =>
      Uint8Array.from({ length: windowTicks }, (_, tick) => (bits >> (tick + 13 * zone)) & 1);
    const market: Market = {
      tickMs: 1000,
      ticks: windowTicks,
      zones: Array.from({ length: zones }, (_, zone) => ({
        zone: `zone-${zone}`,
        available: available(zone),
      })),
    };
    const terms: Terms = { startTick: 0, workTicks, windowTicks, changeoverTicks, spotPrice: 0.3 };
    return { market, terms };
  });

/** Every choice at every tick: slow, plain, and by the rules of simulate() alone. */
function leastOfAll(market: Market, terms: Terms): number {
  const known = new Map<string, number>();
  const from = (tick: number, workLeft: number, held: Choice, changeoverLeft: number): number => {
    if (workLeft === 0) return 0;
    if (tick === terms.windowTicks) return Infinity;
    const key = [tick, workLeft, held, changeoverLeft].join();
    const found = known.get(key);
    if (found !== undefined) return found;
    const isThere = (zone: number) => market.zones[zone]!.available[tick] === 1;
    const holds = typeof held === "number" && !isThere(held) ? "none" : held;
    let least = from(tick + 1, workLeft, "none", 0);
    const machines: Choice[] = ["on-demand", ...market.zones.keys().filter(isThere)];
    for (const choice of machines) {
      const boot = choice === holds ? changeoverLeft : terms.changeoverTicks;
      const price = choice === "on-demand" ? 1 : terms.spotPrice;
      const rest =
        boot > 0
          ? from(tick + 1, workLeft, choice, boot - 1)
          : from(tick + 1, workLeft - 1, choice, 0);
      least = Math.min(least, price + rest);
    }
    known.set(key, least);
    return least;
  };
  return from(0, terms.workTicks, "none", 0);
}

test("optimum() is the least of all that could be done", () => {
  fc.assert(
    fc.property(cases, ({ market, terms }) => {
      assert.ok(Math.abs(optimum(market, terms) - leastOfAll(market, terms)) < 1e-9);
    }),
    { numRuns: 500 },
  );
});

test("greedy() and uniformProgress() are in time and cost no less than the optimum", () => {
  fc.assert(
    fc.property(cases, ({ market, terms }) => {
      const least = optimum(market, terms);
      for (const policy of [greedy(market.zones.length), uniformProgress(market.zones.length)]) {
        const { cost, late } = simulate(market, terms, policy);
        assert.equal(late, false);
        assert.ok(cost >= least - 1e-9);
      }
    }),
    { numRuns: 500 },
  );
});

test("optimum() of what cannot be in time is infinite", () => {
  const zones = [{ zone: "a", available: new Uint8Array(3) }];
  const terms = { startTick: 0, workTicks: 2, windowTicks: 3, changeoverTicks: 2, spotPrice: 0.3 };
  assert.equal(optimum({ tickMs: 1000, ticks: 3, zones }, terms), Infinity);
});
