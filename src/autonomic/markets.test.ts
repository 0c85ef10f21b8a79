import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { stretchesOf } from "#/planning/spot/availability.ts";
import { Rig } from "#/scheduler/testing/rig.ts";
import { SimulatedSite } from "#/sites/simulated.ts";
import { followMarkets, historyOf } from "./markets.ts";

const minuteMs = 60_000;

test("followMarkets() writes down when spot machines can be had, and forgets what is long ago", async () => {
  const config = siteConfig.parse({
    type: "simulated",
    offers: [
      {
        name: "spot",
        milliCpus: 1000,
        memoryBytes: 1,
        microsPerHour: 1,
        bootMs: { median: 0, p90: 0 },
        soldOut: { everyMs: 10 * minuteMs, forMs: 4 * minuteMs },
      },
    ],
  }) as SimulatedConfig;
  const rig = await Rig.open();
  const { clock, space } = rig;
  rig.commit((tx) =>
    tx.put<"site">({
      kind: "site",
      project: "",
      name: "lab",
      spec: { createdAt: 0, config },
      status: { health: "healthy", since: 0 },
    }),
  );
  const site = new SimulatedSite(config, { name: "lab", clock });
  for (let look = 0; look < 10 * 200; look++) {
    await clock.advance(minuteMs);
    followMarkets(space, await site.offers(), clock.now());
  }
  const history = historyOf(space, { site: "lab", name: "spot" }, clock.now())!;
  const stretches = stretchesOf(history).slice(1, -1);
  assert.equal(history.changesMs.length, limits.marketChangesMax);
  for (const { available, fromMs, toMs } of stretches)
    assert.equal(Math.round((toMs - fromMs) / minuteMs), available ? 6 : 4);
  assert.equal(historyOf(space, { site: "lab", name: "other" }, clock.now()), undefined);

  // What its site names no more is forgotten after a while; not while the site says nothing.
  const [spot] = await site.offers();
  const other = { ...spot!, name: "other" };
  const look = () => followMarkets(space, [other], clock.now());
  const isKnown = () => historyOf(space, { site: "lab", name: "spot" }, clock.now()) !== undefined;
  look();
  const { revision } = space.get("site", "lab")!;
  await clock.advance(limits.marketKeptMs - minuteMs);
  look();
  followMarkets(space, [], clock.now());
  assert.equal(space.get("site", "lab")!.revision, revision);
  assert.ok(isKnown());
  await clock.advance(2 * minuteMs);
  followMarkets(space, [], clock.now());
  assert.ok(isKnown());
  look();
  assert.ok(!isKnown());
  rig.scheduler.stop();
});
