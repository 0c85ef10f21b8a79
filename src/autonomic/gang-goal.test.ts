import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { SimulatedCloud } from "./testing/simulated-cloud.ts";

const minuteMs = 60_000;

function cloudOf(offer: object = {}, random = new Chance(3)): Promise<SimulatedCloud> {
  const large = {
    name: "large",
    milliCpus: 4000,
    memoryBytes: 2 ** 33,
    microsPerHour: 600_000,
    bootMs: { median: 20_000, p90: 30_000 },
    ...offer,
  };
  const config = { type: "simulated", machinesMax: 20, offers: [large] };
  const site = siteConfig.parse(config) as SimulatedConfig;
  return SimulatedCloud.open({ site, taskMs: () => 3 * minuteMs, random });
}

describe("startAutonomic() with a gang", () => {
  test("buys the places that it needs at once, although fewer would have the time, and no more", async () => {
    const cloud = await cloudOf();
    cloud.machine("here", 2);
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 8, toldBelief(3 * minuteMs), { deadlineAt }, {});
    const endedMs = await cloud.untilEnded("j1", 60 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 6 * minuteMs, `ended after ${endedMs} ms`);
    assert.equal(cloud.orders().length, 2);
    cloud.stop();
  });

  test("says at once that a gang for which there is no room will not keep its deadline", async () => {
    const cloud = await cloudOf({ countMax: 1 });
    cloud.machine("here", 2);
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 8, toldBelief(3 * minuteMs), { deadlineAt }, {});
    await cloud.untilEnded("j1", 2 * minuteMs);
    assert.deepEqual(cloud.orders(), []);
    const [said] = await cloud.decisions("j1");
    assert.equal(said!.action, "warn");
    assert.match(
      said!.why.join(),
      /8 tasks must run at once, and all that is there and offered has room for 6/,
    );
    cloud.stop();
  });

  test("runs it again as a whole when the site takes one of its machines back, within the deadline", async () => {
    const cloud = await cloudOf({ interruptionsPerHour: 6 }, new Chance(5));
    const again = new Set<string>();
    let regrouped = 0;
    cloud.rig.space.onApplied((changes) => {
      for (const { record } of changes) {
        if (record.kind !== "task") continue;
        if (record.status.lost || record.status.regrouped) again.add(record.name);
        regrouped = Math.max(regrouped, record.status.regrouped ?? 0);
      }
    });
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 8, toldBelief(3 * minuteMs), { deadlineAt }, {});
    const endedMs = await cloud.untilEnded("j1", 60 * minuteMs);
    const taken = cloud.orders().filter(({ status }) => status.phase === "failed");
    assert.ok(taken.length > 0, "no machine was taken back");
    assert.equal(again.size, 8);
    assert.ok(regrouped > 0, "no member on another machine was run again");
    assert.ok(endedMs !== undefined && endedMs <= 60 * minuteMs, `ended after ${endedMs} ms`);
    assert.equal(cloud.rig.space.get("job", "j1")!.status.phase, "succeeded");
    cloud.stop();
  });
});
