import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { machine } from "./testing/planning.ts";
import { SimulatedCloud } from "./testing/simulated-cloud.ts";
import { withinQuota } from "./within-quota.ts";

const minuteMs = 60_000;

test("withinQuota() leaves of shared machines as much as the quota, or all of them, and of others everything", () => {
  const cpus = fc.array(fc.integer({ min: 1, max: 64 }), { maxLength: 8 });
  fc.assert(
    fc.property(cpus, cpus, fc.integer({ min: 0, max: 200_000 }), (shared, paid, milliCpus) => {
      const machines = [
        ...shared.map((size) => machine(size, { name: "shared" })),
        ...paid.map((size) => machine(size, { name: "paid" })),
      ];
      const left = withinQuota(machines, { milliCpus }, ({ name }) => name === "paid");
      const sum = (of: string) =>
        left
          .filter(({ name }) => name === of)
          .reduce(
            (total, { capacity, quotaShare = 1 }) => total + capacity.milliCpus * quotaShare,
            0,
          );
      const all = shared.reduce((total, size) => total + size * 1000, 0);
      assert.ok(Math.abs(sum("shared") - Math.min(all, milliCpus)) < 1e-6);
      assert.equal(
        sum("paid"),
        paid.reduce((total, size) => total + size * 1000, 0),
      );
    }),
  );
});

test("a deadline that the project's quota would not keep is kept with machines that count in none", async () => {
  const large = { name: "large", milliCpus: 4000, memoryBytes: 2 ** 33, microsPerHour: 600_000 };
  const bootMs = { median: 20_000, p90: 30_000 };
  const config = { type: "simulated", machinesMax: 20, offers: [{ ...large, bootMs }] };
  const cloud = await SimulatedCloud.open({
    site: siteConfig.parse(config) as SimulatedConfig,
    taskMs: () => minuteMs,
    random: new Chance(3),
  });
  cloud.rig.project("p", 1, { quota: { milliCpus: 2000 } });
  cloud.machine("here", 32);
  const deadlineAt = cloud.rig.clock.now() + 10 * minuteMs;
  cloud.job("j1", 60, toldBelief(minuteMs), { deadlineAt });
  const endedMs = await cloud.untilEnded("j1", 20 * minuteMs);
  assert.ok(endedMs !== undefined && endedMs <= 10 * minuteMs, `ended after ${endedMs} ms`);
  assert.ok(cloud.orders().length > 0);
  cloud.stop();
});
