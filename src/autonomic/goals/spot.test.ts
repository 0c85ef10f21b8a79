import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { cloudOf } from "../testing/lab.ts";

const minuteMs = 60_000;
const GiB = 2 ** 30;

describe("the loop that keeps goals, where spot machines come and go,", () => {
  test("waits for spot machines that are sold out while the deadline leaves time, and is never late for it", async () => {
    const shape = { milliCpus: 4000, memoryBytes: 8 * GiB };
    const bootMs = { median: 20_000, p90: 30_000 };
    const soldOut = { everyMs: 15 * minuteMs, forMs: 3 * minuteMs };
    const site = siteConfig.parse({
      type: "simulated",
      machinesMax: 2,
      offers: [
        { name: "dear", ...shape, microsPerHour: 900_000, bootMs },
        { name: "spot", ...shape, microsPerHour: 200_000, bootMs, soldOut },
      ],
    }) as SimulatedConfig;
    const cloud = await cloudOf(site, minuteMs);
    cloud.machine("here", 1);
    const { clock } = cloud.rig;
    await clock.advance((20 - ((clock.now() / minuteMs) % 15)) * minuteMs);
    const of = (name: string) => cloud.orders().filter(({ spec }) => spec.offer.name === name);
    const deadlineAt = clock.now() + 60 * minuteMs;
    cloud.job("j1", 300, toldBelief(minuteMs), { deadlineAt });
    const endedMs = await cloud.untilEnded("j1", 90 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 60 * minuteMs, `ended after ${endedMs} ms`);
    assert.ok(of("spot").some(({ status }) => status.phase === "failed"));
    const holds = (await cloud.decisions("j1")).filter(
      ({ what }) => what === "waits for spot machines",
    );
    assert.ok(holds.length >= 2, `it waited ${holds.length} times`);
    assert.match(
      holds[0]!.why[1]!,
      /^lab spot is sold out, and costs 0.05\d* an hour for what lab dear does for 0.225/,
    );
    const cheap = of("spot").length;
    assert.ok(cheap > of("dear").length, `${cheap} of spot, ${of("dear").length} others`);
    const before = of("dear").length;

    // Sold out again, and too little time to wait: what is sure is ordered.
    await clock.advance((15.5 - ((clock.now() / minuteMs) % 15)) * minuteMs);
    cloud.job("j2", 100, toldBelief(minuteMs), { deadlineAt: clock.now() + 20 * minuteMs });
    const tookMs = await cloud.untilEnded("j2", 30 * minuteMs);
    assert.ok(tookMs !== undefined && tookMs <= 20 * minuteMs, `ended after ${tookMs} ms`);
    assert.ok(of("dear").length > before);
    cloud.stop();
  });

  test("orders cheaper machines in place of dear ones when they are to be had again, and gives those back", async () => {
    const shape = { milliCpus: 4000, memoryBytes: 8 * GiB };
    const bootMs = { median: 20_000, p90: 30_000 };
    const site = siteConfig.parse({
      type: "simulated",
      machinesMax: 4,
      offers: [
        { name: "dear", ...shape, microsPerHour: 900_000, bootMs },
        {
          name: "spot",
          ...shape,
          microsPerHour: 200_000,
          bootMs,
          soldOut: { everyMs: 120 * minuteMs, forMs: 20 * minuteMs },
        },
      ],
    }) as SimulatedConfig;
    const cloud = await cloudOf(site, minuteMs);
    cloud.machine("here", 1);
    const { clock } = cloud.rig;
    await clock.advance((120 - ((clock.now() / minuteMs) % 120)) * minuteMs);
    const deadlineAt = clock.now() + 60 * minuteMs;
    cloud.job("j1", 600, toldBelief(minuteMs), { deadlineAt });
    const endedMs = await cloud.untilEnded("j1", 70 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 60 * minuteMs, `ended after ${endedMs} ms`);
    const decisions = await cloud.decisions("j1");
    const exchanged = decisions.find(({ why }) => why[0]?.includes("the change counted"));
    assert.match(exchanged?.what ?? "", /^ordered \d spot of lab$/);
    const released = decisions.filter(({ action }) => action === "release");
    assert.ok(released.length > 0, "nothing was given back");
    const dear = cloud.orders().filter(({ spec }) => spec.offer.name === "dear");
    assert.ok(dear.every(({ status }) => status.phase !== "joined"));
    cloud.stop();
  });
});
