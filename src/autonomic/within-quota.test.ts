import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { machine } from "./testing/planning.ts";
import { SimulatedCloud } from "./testing/simulated-cloud.ts";
import { withinQuota, type CountedWork } from "./within-quota.ts";

const minuteMs = 60_000;

const cpu = (milliCpus: number, labels: Record<string, string> = {}): CountedWork => ({
  needs: { milliCpus, memoryBytes: 0, labels },
  driver: "process",
  tasks: 10,
  runMs: minuteMs,
  atOnce: 1,
});

test("withinQuota() leaves of shared machines as much as the quota, or all of them, and of others everything", () => {
  const cpus = fc.array(fc.integer({ min: 1, max: 64 }), { maxLength: 8 });
  const needs = fc.array(fc.integer({ min: 1, max: 64_000 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      cpus,
      cpus,
      needs,
      fc.integer({ min: 0, max: 200_000 }),
      (shared, paid, sizes, milliCpus) => {
        const quota = { milliCpus };
        const machines = [
          ...shared.map((size) => machine(size, { name: "shared", quota })),
          ...paid.map((size) => machine(size, { name: "paid" })),
        ];
        const left = withinQuota(
          sizes.map((size) => cpu(size)),
          machines,
        );
        const covered = left.flatMap(({ covered, capacity, name }) =>
          name === "shared" && capacity.milliCpus >= Math.min(...sizes)
            ? [covered ?? capacity]
            : [],
        );
        const sum = covered.reduce((total, one) => total + one.milliCpus, 0);
        const all = shared
          .map((size) => size * 1000)
          .filter((size) => size >= Math.min(...sizes))
          .reduce((total, size) => total + size, 0);
        assert.equal(sum, Math.min(all, milliCpus));
        assert.deepEqual(
          left.filter(({ name }) => name === "paid"),
          machines.filter(({ name }) => name === "paid"),
        );
      },
    ),
  );
});

test("withinQuota() gives nothing to machines on which the work cannot run, whichever joined first", () => {
  const quota = { milliCpus: 8000 };
  const big = machine(64, { name: "big", quota });
  const labelled = machine(8, { name: "labelled", quota, labels: { gpu: "yes" } });
  for (const machines of [
    [big, labelled],
    [labelled, big],
  ]) {
    const left = withinQuota([cpu(1000, { gpu: "yes" })], machines);
    assert.ok(left.every(({ covered }) => covered === undefined));
  }
});

test("withinQuota() gives each kind of work its part, on machines that can run it", () => {
  const quota = { milliCpus: 8000 };
  const machines = [
    machine(64, { name: "big", quota }),
    machine(64, { name: "labelled", quota, labels: { gpu: "yes" } }),
    machine(64, { name: "other", quota, labels: { disk: "yes" } }),
  ];
  const work = [cpu(1000, { gpu: "yes" }), cpu(3000, { disk: "yes" })];
  const covered = withinQuota(work, machines).map((one) => [one.name, one.covered?.milliCpus]);
  assert.deepEqual(covered, [
    ["big", undefined],
    ["labelled", 2000],
    ["other", 6000],
  ]);
});

test("withinQuota() covers whole tasks, first where they cost the least", () => {
  const quota = { milliCpus: 10_000 };
  const rates = { microsPerHour: 1e6, idleWatts: 0, peakWatts: 0, pue: 1 };
  const machines = [
    machine(8, { name: "dear", quota, rates }),
    machine(8, { name: "first", quota }),
    machine(8, { name: "second", quota }),
  ];
  const covered = withinQuota([cpu(5000)], machines).map((one) => one.covered?.milliCpus);
  assert.deepEqual(covered, [0, 5000, 5000]);
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
