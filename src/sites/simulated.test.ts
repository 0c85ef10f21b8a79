import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#/base/manual-clock.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { SimulatedSite } from "./simulated.ts";
import type { MachineOrder } from "./site.ts";
import { siteContract } from "./testing/contract.ts";
import { startJoining } from "./testing/joining.ts";

const hourMs = 3_600_000;

function configOf(seed: number, machinesMax: number): SimulatedConfig {
  const size = { milliCpus: 4000, memoryBytes: 16 * 2 ** 30, microsPerHour: 200_000 };
  const bootMs = { median: 60_000, p90: 120_000 };
  const offers = [
    { name: "steady", ...size, bootMs },
    { name: "spot", ...size, microsPerHour: 60_000, bootMs, interruptionsPerHour: 0.5, zone: "a" },
  ];
  const wish = { type: "simulated", seed, machinesMax, offers };
  return siteConfig.parse(wish) as SimulatedConfig;
}

siteContract("SimulatedSite", async () => {
  const cloud = await startJoining();
  const clock = new ManualClock();
  const ended: string[] = [];
  const joins: Promise<void>[] = [];
  const world = {
    booted: (order: MachineOrder) => void joins.push(cloud.join(order)),
    ended: (order: string) => void ended.push(order),
  };
  const site = new SimulatedSite(configOf(1, 2), { name: "lab", clock, world });
  return {
    // Its machines are in its memory: a simulated site lives as long as its simulation.
    open: () => Promise.resolve(site),
    order: cloud.order,
    async joined(order) {
      await clock.advance(hourMs);
      await Promise.all(joins);
      return (await cloud.machinesOf(order)).length;
    },
    stop: cloud.stop,
  };
});

/** What becomes of `count` machines of an offer within a month. */
async function lives(seed: number, offer: string, names: string[]) {
  const clock = new ManualClock();
  const startMs = clock.now();
  const boots = new Map<string, number>();
  const ends = new Map<string, number>();
  const world = {
    booted: ({ name }: MachineOrder) => void boots.set(name, clock.now() - startMs),
    ended: (name: string) => void ends.set(name, clock.now() - startMs - boots.get(name)!),
  };
  const site = new SimulatedSite(configOf(seed, names.length), { name: "lab", clock, world });
  for (const name of names) await site.acquire({ name, offer, urls: [], token: "" });
  await clock.advance(30 * 24 * hourMs);
  return { boots, ends };
}

test("SimulatedSite draws the same for the same seed and order, whatever else is ordered", async () => {
  const [few, many, other] = await Promise.all([
    lives(7, "spot", ["o1", "o2"]),
    lives(7, "spot", ["o9", "o2", "o1"]),
    lives(8, "spot", ["o1"]),
  ]);
  for (const name of ["o1", "o2"]) {
    assert.equal(few.boots.get(name), many.boots.get(name));
    assert.equal(few.ends.get(name), many.ends.get(name));
  }
  assert.notEqual(few.boots.get("o1"), other.boots.get("o1"));
});

test("SimulatedSite boots and interrupts as its offer says", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `o${index}`);
  const { boots, ends } = await lives(3, "spot", names);
  const sorted = [...boots.values()].sort((a, b) => a - b);
  // Bands of four standard errors.
  assert.ok(Math.abs(sorted[500]! / 60_000 - 1) < 0.09, `median ${sorted[500]}`);
  assert.ok(Math.abs(sorted[900]! / 120_000 - 1) < 0.13, `p90 ${sorted[900]}`);
  const meanHours = [...ends.values()].reduce((sum, ms) => sum + ms, 0) / ends.size / hourMs;
  assert.equal(ends.size, 1000);
  assert.ok(Math.abs(meanHours / 2 - 1) < 0.13, `mean life ${meanHours} h`);
  const steady = await lives(3, "steady", names);
  assert.equal(steady.ends.size, 0);
});

test("SimulatedSite gives no machines where there is no simulation", async () => {
  const site = new SimulatedSite(configOf(1, 1), { name: "lab", clock: new ManualClock() });
  assert.equal((await site.offers()).length, 2);
  await assert.rejects(site.acquire({ name: "o1", offer: "spot", urls: [], token: "" }), {
    code: "forbidden",
  });
  assert.deepEqual((await site.held()).machines, []);
});
