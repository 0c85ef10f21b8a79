import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/chance.ts";
import type { Fates } from "./attempts.ts";
import { Fork } from "./fork.ts";
import { machineOf, TestCloud, work } from "./testing/cloud.ts";

/** How long a task has run is told in whole milliseconds. */
const roundedMs = 20;

/** Each task takes what its name says by chance; none is so short that it is handed out ahead. */
function fatesOf(seed: number): Fates {
  const of = (text: string) => {
    let hash = seed;
    for (const unit of text) hash = (hash * 31 + unit.charCodeAt(0)) >>> 0;
    return new Chance(hash).fraction();
  };
  return {
    runMs: (_step, { task, number }) => Math.round(1000 + 100_000 * of(`${task} ${number}`) ** 3),
    fails: () => false,
  };
}

describe("Fork", () => {
  test("goes on from any moment exactly as the cloud that it was taken from does, when fates are the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(10_000),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 400_000 }),
        async (seed, machines, atMs) => {
          const fates = fatesOf(seed);
          const pool = Array.from({ length: machines }, (_, number) => machineOf(`m${number}`, 2));
          const cloud = await TestCloud.open(pool, fates);
          const steps = [work("a", 9), work("b", 7, { after: ["a"] })];
          cloud.submit("j", { title: "flow", steps });
          await cloud.until(atMs);
          const moment = await cloud.moment();
          const fork = await Fork.open(structuredClone(moment), fates);
          await Promise.all([fork.run(() => false), cloud.fork.run(() => false)]);
          for (const { name } of moment.jobs) {
            const real = cloud.fork.outcomes.get(name)!;
            const told = fork.outcomes.get(name)!;
            assert.equal(told.phase, real.phase);
            assert.ok(
              Math.abs(told.endedAt - real.endedAt) <= roundedMs,
              `${told.endedAt} is not ${real.endedAt}`,
            );
            assert.equal(told.usage.attempts, real.usage.attempts);
            assert.ok(Math.abs(told.usage.costMicros! - real.usage.costMicros!) < 1);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("takes a gang over as it runs, with members that have finished, and begins the next one after it", async () => {
    const fates: Fates = {
      runMs: (_step, { task }) => 10_000 * (1 + Number(task.at(-1))),
      fails: () => false,
    };
    const cloud = await TestCloud.open([machineOf("m0", 2), machineOf("m1", 2)], fates);
    for (const name of ["j", "k"])
      cloud.submit(name, { title: "solver", steps: [{ ...work("a", 4), gang: true }] });
    for (const atMs of [5_000, 15_000, 35_000, 55_000]) {
      await cloud.until(atMs);
      const fork = await Fork.open(structuredClone(await cloud.moment()), fates);
      await fork.run(() => fork.unended === 0);
      const ends = [...fork.outcomes.values()].map(({ endedAt }) => endedAt).sort((a, b) => a - b);
      const expected = atMs < 40_000 ? [40_000, 80_000] : [80_000];
      assert.equal(ends.length, expected.length);
      for (const [index, end] of ends.entries())
        assert.ok(Math.abs(end - expected[index]!) <= 200, `${end} at ${atMs}`);
    }
  });

  test("has the tasks of a grid that are not made yet, and of steps that have not begun", async () => {
    const fates = { runMs: () => 1000, fails: () => false };
    const cloud = await TestCloud.open([machineOf("m", 100)], fates);
    const grid = { type: "grid" as const, parameters: { x: { from: 1, to: 10_000 } } };
    cloud.submit("j", { title: "sweep", steps: [{ ...work("a", 0), source: grid }] });
    await cloud.until(1500);
    const fork = await Fork.open(await cloud.moment(), fates);
    await fork.run(() => fork.unended === 0);
    assert.equal(fork.outcomes.get("j")!.usage.attempts, 10_000);
    assert.ok(Math.abs(fork.outcomes.get("j")!.endedAt - 100_000) <= 1000);
  });

  test("ends with a job that nothing can run left over", async () => {
    const fates = { runMs: () => 1000, fails: () => false };
    const cloud = await TestCloud.open([machineOf("m", 1)], fates);
    cloud.submit("small", { title: "small", steps: [work("a", 2)] });
    cloud.submit("large", { title: "large", steps: [work("b", 1, { cpus: 8 })] });
    const fork = await Fork.open(await cloud.moment(), fates);
    await fork.run(() => false);
    assert.deepEqual([...fork.outcomes.keys()], ["small"]);
    assert.equal(fork.unended, 1);
  });

  test("ends code of a job when the steps that it made have ended, and its other steps with the tasks known now", async () => {
    const fates = { runMs: () => 5000, fails: () => false };
    const cloud = await TestCloud.open([machineOf("m", 2)], fates);
    const run = {
      driver: "runner" as const,
      module: "0".repeat(64),
      function: "main",
      role: "job" as const,
    };
    cloud.submit("j", {
      title: "code",
      main: "main",
      steps: [{ name: "main", run, needs: { cpus: 1 } }, work("child", 4)],
    });
    await cloud.until(100);
    const moment = await cloud.moment();
    assert.deepEqual(moment.partial, ["j"]);
    const fork = await Fork.open(moment, fates);
    await fork.run(() => fork.unended === 0);
    const { phase, endedAt } = fork.outcomes.get("j")!;
    assert.equal(phase, "succeeded");
    assert.ok(Math.abs(endedAt - 10_000) < 100, `it ended at ${endedAt}`);
  });

  test("tries again what fails, and fails the job when it does for good; what takes too long is ended", async () => {
    const always = { runMs: () => 1000, fails: () => true };
    const cloud = await TestCloud.open([machineOf("m", 1)], always);
    cloud.submit("j", { title: "bad", steps: [{ ...work("a", 1), retries: 1, retryMs: 500 }] });
    const slow = { ...work("b", 1), retries: 0, timeoutMs: 100 };
    cloud.submit("k", { title: "slow", steps: [slow] });
    const fork = await Fork.open(await cloud.moment(), always);
    await fork.run(() => false);
    assert.equal(fork.outcomes.get("j")!.phase, "failed");
    assert.equal(fork.outcomes.get("j")!.usage.attempts, 2);
    assert.equal(fork.outcomes.get("k")!.usage.wallMs, 100);
  });
});
