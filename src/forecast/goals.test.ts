import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import type { JobRecord } from "#/model/job.ts";
import { hasOrderEnded } from "#/model/order.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { Draft } from "#/space/space.ts";
import { likelyFates } from "./fates.ts";
import { forecast } from "./forecast.ts";
import { Fork } from "./fork.ts";
import { machineOf, offer, TestCloud, work } from "./testing/cloud.ts";

const options = { seed: 1, forks: 19, limitMs: Infinity };
const still = { monotonicMs: () => 0 };
const job = { title: "work", steps: [work("a", 400)] };

/** Two machines of two CPUs, on which two hundred tasks of about a minute have run, and a site that offers larger ones. */
async function knownCloud(): Promise<TestCloud> {
  const chance = new Chance(5);
  const fates = { runMs: () => 40_000 + 40_000 * chance.fraction(), fails: () => false };
  const machines = [machineOf("m1", 2), machineOf("m2", 2)];
  const cloud = await TestCloud.open(machines, fates, [{ ...offer, countMax: 20 }]);
  cloud.submit("past", { title: "work", steps: [work("a", 200)] });
  await cloud.fork.run(() => false);
  return cloud;
}

function noGoal({ goal: _, ...spec }: JobRecord["spec"]): JobRecord["spec"] {
  return spec;
}

/** A plan for which only a person's word is known. */
function toldPlan(name: string, meanMs: number): Draft<PlanRecord> {
  const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
  const belief = { meanMs, meanHighMs: 1.2 * meanMs, longMs: meanMs, seen: "told" } as const;
  const predicted = {
    finishMs: { likely: 0, high: 0 },
    costMicros: undefined,
    joules: undefined,
    grams: undefined,
  };
  return {
    kind: "plan",
    project: "p",
    name,
    spec: {
      title: "work",
      madeBy: "test",
      madeAt: 0,
      request: "",
      goal: { objective: "cost" },
      work: [{ kind: "a", tasks: 400, ...belief, needs, driver: "process" }],
      chainMs: 0,
      considered: [],
      predicted,
      bound: 0,
    },
    status: { phase: "approved", job: "next" },
  };
}

describe("forecast() of a job with a goal", () => {
  test("buys in forks what keeps its deadline, and tells what it costs, near to how it comes", async () => {
    const cloud = await knownCloud();
    const deadlineAt = cloud.fork.clock.now() + 2_000_000;
    cloud.submit("next", job, "p", { deadlineAt });
    const moment = await cloud.moment();
    const { jobs, machinesBought, machinesMicros } = await forecast(moment, options, still);
    await cloud.fork.run(() => cloud.fork.unended === 0 && cloud.fork.outcomes.has("next"));
    const real = cloud.fork.outcomes.get("next")!;
    assert.ok(real.endedAt <= deadlineAt);
    const [told] = jobs;
    assert.equal(told!.inTime, 1);
    assert.ok(told!.endsAt!.p90 <= deadlineAt);
    assert.ok(machinesBought!.p10 >= 1 && machinesBought!.p50 === cloud.fork.sites!.bought);
    const ratio = told!.costMicros!.p50 / real.usage.costMicros!;
    assert.ok(ratio > 0.85 && ratio < 1.15, `it costs ${ratio} of what it does`);
    assert.ok(machinesMicros!.p50 > told!.costMicros!.p50);
  });

  test("goes on with what was bought before, from any moment", async () => {
    const cloud = await knownCloud();
    const from = cloud.fork.clock.now();
    cloud.submit("next", job, "p", { deadlineAt: from + 2_000_000 });
    await cloud.until(from + 600_000);
    const moment = structuredClone(await cloud.moment());
    const { jobs, machinesBought } = await forecast(moment, options, still);
    await cloud.fork.run(() => cloud.fork.outcomes.has("next"));
    const real = cloud.fork.outcomes.get("next")!;
    const leftMs = real.endedAt - moment.now;
    assert.ok(Math.abs(jobs[0]!.endsAt!.p50 - real.endedAt) < 0.25 * leftMs);
    assert.ok(Math.abs(jobs[0]!.costMicros!.p50 / real.usage.costMicros! - 1) < 0.15);
    assert.equal(machinesBought!.p50, 0);
  });

  test("ends it at its budget", async () => {
    const cloud = await knownCloud();
    const budgetMicros = 80_000;
    cloud.submit("next", job, "p", { budgetMicros });
    const { jobs } = await forecast(await cloud.moment(), options, still);
    const { succeeds, ends, costMicros } = jobs[0]!;
    assert.deepEqual([succeeds, ends], [0, 1]);
    assert.ok(costMicros!.p90 <= budgetMicros && costMicros!.p10 > 0.9 * budgetMicros);
  });

  test("goes on when machines are taken away, and runs again what they had", async () => {
    const cloud = await knownCloud();
    const spot = { ...offer, market: "spot", interruptionsPerHour: 6, countMax: 20 } as const;
    cloud.offers = [spot];
    cloud.submit("next", job, "p", { deadlineAt: cloud.fork.clock.now() + 2_400_000 });
    const moment = await cloud.moment();
    const fork = await Fork.open(moment, likelyFates(moment.runTimes, 1, 0), new Chance(1));
    let lost = 0;
    fork.space.onApplied((changes) => {
      for (const { record } of changes)
        if (record.kind === "step" && record.name === "next/0")
          lost = Math.max(lost, record.status.lost);
    });
    await fork.run(() => fork.unended === 0);
    const failed = [...fork.space.all("order")].filter(({ status }) => status.phase === "failed");
    assert.equal(fork.outcomes.get("next")!.phase, "succeeded");
    assert.ok(failed.length > 0, "no machine was taken away");
    assert.ok(lost > 0, "nothing ran where one was taken away");
  });

  test("lets it wait for clean power as it does, and go on in time", async () => {
    const cloud = await knownCloud();
    const hourMs = 3_600_000;
    const from = cloud.fork.clock.now();
    const firstHour = Math.floor(from / hourMs);
    const gramsPerKwh = [500, 500, 500, 100, 100, 100, 100, 500, 500, 500, 500, 500];
    cloud.fork.space.commit((tx) =>
      tx.put<"carbon-zone">({
        kind: "carbon-zone",
        project: "",
        name: "here",
        spec: { createdAt: 0, isDefault: true },
        status: { firstHour, gramsPerKwh },
      }),
    );
    const deadlineAt = (firstHour + 10) * hourMs;
    cloud.submit("next", job, "p", { objective: "carbon", deadlineAt });
    const moment = await cloud.moment();
    const { jobs } = await forecast(moment, options, still);
    const { beginsAt, endsAt, grams, inTime } = jobs[0]!;
    assert.equal(inTime, 1);
    assert.ok(endsAt!.p90 < (firstHour + 7) * hourMs + hourMs / 2);
    const atOnce = {
      ...moment,
      jobs: moment.jobs.map((one) => ({ ...one, spec: noGoal(one.spec) })),
    };
    const dirty = (await forecast(atOnce, options, still)).jobs[0]!;
    assert.ok(beginsAt!.p50 >= dirty.beginsAt!.p50);
    assert.ok(grams!.p50 < 0.5 * dirty.grams!.p50, `${grams!.p50} of ${dirty.grams!.p50}`);
  });

  test("takes a person's word for how long its tasks take, until others are known", async () => {
    const cloud = await TestCloud.open(
      [machineOf("m", 4)],
      { runMs: () => 1, fails: () => false },
      [],
    );
    const now = cloud.fork.clock.now();
    cloud.fork.space.commit((tx) => tx.put<"plan">(toldPlan("told", 20_000)));
    cloud.submit("next", job, "p", { plan: "told", deadlineAt: now + 8_000_000 });
    const { jobs } = await forecast(await cloud.moment(), options, still);
    const toldMs = (400 / 4) * 20_000;
    assert.ok(jobs[0]!.endsAt!.p50 - now > 0.8 * toldMs && jobs[0]!.endsAt!.p50 - now < 2 * toldMs);
  });

  test("gives its machines back when it has ended", async () => {
    const cloud = await knownCloud();
    cloud.submit("next", job, "p", { deadlineAt: cloud.fork.clock.now() + 2_000_000 });
    const moment = await cloud.moment();
    const fork = await Fork.open(moment, likelyFates(moment.runTimes, 1, 0), new Chance(1));
    await fork.run(() => false);
    const orders = [...fork.space.all("order")];
    assert.ok(orders.length > 0 && orders.every(hasOrderEnded));
    const { endedAt } = fork.outcomes.get("next")!;
    assert.ok(orders.every(({ status }) => status.endedAt! < endedAt + 30_000));
  });
});
