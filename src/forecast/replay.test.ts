import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import { sortOfTitle } from "#/autonomic/knowledge/sorts.ts";
import { noAutonomy } from "./autonomy.ts";
import { emptyMoment, type Recording } from "./recording.ts";
import { replay } from "./replay.ts";
import type { Tried } from "./tried.ts";
import { machineOf, offer, TestCloud, work } from "./testing/cloud.ts";

test("replay() of what was recorded goes as it went, and under another policy as it would have gone", async () => {
  const takesMs: Record<string, number> = { long: 100_000, short: 1000 };
  const cloud = await TestCloud.open([machineOf("m", 1)], {
    runMs: ({ spec }) => takesMs[spec.name]!,
    fails: () => false,
  });
  const { fork, knowledge } = cloud;
  const submit = (atMs: number, id: string, what: string) =>
    fork.clock.after(atMs, () => cloud.submit(id, { title: what, steps: [work(what, 1)] }));
  submit(0, "j0", "long");
  submit(1000, "j1", "long");
  for (let number = 2; number < 12; number++) submit(2000, `j${number}`, "short");
  await fork.run(() => false);
  const jobs = knowledge.arrivals.last.map((arrival, number) => ({ id: `j${number}`, arrival }));
  const runMs = jobs.map(({ id, arrival }) => [`${id}/0/0`, takesMs[arrival.spec.title]!] as const);
  const recording: Recording = {
    jobs,
    runMs: new Map(runMs),
    leftOut: 0,
    cloud: {
      ...emptyMoment(0, [machineOf("m", 1)]),
      runTimes: knowledge.runTimes.known([
        'class p ["long"] process 1000 0',
        'class p ["short"] process 1000 0',
      ]),
    },
  };
  const asked = (await replay(recording, "as-it-is", () => false))!;
  const ends = [...fork.outcomes.values()].map(({ endedAt }) => endedAt);
  assert.equal(asked.jobs, 12);
  assert.equal(asked.makespanMs, Math.max(...ends));
  const shortest = (await replay(recording, "shortest-first", () => false))!;
  assert.equal(shortest.makespanMs, asked.makespanMs);
  assert.ok(shortest.meanWaitMs < 0.7 * asked.meanWaitMs);
  assert.equal(shortest.costMicros, asked.costMicros);
});

test("replay() under cheap runs on cheap machines what it can, and counts the deadlines that were missed", async () => {
  const cloud = await TestCloud.open([machineOf("m", 1)], {
    runMs: () => 60_000,
    fails: () => false,
  });
  const { fork, knowledge } = cloud;
  for (const at of [0, 600_000])
    fork.clock.after(at, () => cloud.submit(`j${at}`, { title: "work", steps: [work("work", 1)] }));
  await fork.run(() => false);
  const jobs = knowledge.arrivals.last.map((arrival, number) => {
    const goal = { plan: "gone", objective: "cost", deadlineAt: arrival.at + 30_000 } as const;
    const spec = number === 0 ? { ...arrival.spec, goal } : arrival.spec;
    return { id: `j${arrival.at}`, arrival: { ...arrival, spec } };
  });
  const priced = (name: string, microsPerHour: number) => {
    const machine = machineOf(name, 4);
    const rates = { ...machine.status.rates, microsPerHour };
    return { ...machine, status: { ...machine.status, rates } };
  };
  const recording: Recording = {
    jobs,
    runMs: new Map(jobs.map(({ id }) => [`${id}/0/0`, 60_000])),
    leftOut: 0,
    cloud: emptyMoment(0, [priced("dear", 400_000), priced("spare", 40_000)]),
  };
  const [asked, cheap] = await Promise.all(
    (["as-it-is", "cheap"] as const).map((policy) => replay(recording, policy, () => false)),
  );
  assert.ok(cheap!.costMicros! < 0.2 * asked!.costMicros!);
  assert.ok(cheap!.energyJoules! > 0);
  assert.equal(cheap!.grams, undefined); // nobody knows how clean the power was
  assert.deepEqual([cheap!.deadlines, cheap!.missed], [1, 1]);
});

test("replay() under rules that have a fleet buys machines for what was recorded", async () => {
  const cloud = await TestCloud.open([machineOf("m", 1)], {
    runMs: () => 60_000,
    fails: () => false,
  });
  const { fork, knowledge } = cloud;
  cloud.submit("j0", { title: "work", steps: [work("work", 60)] });
  await fork.run(() => false);
  const [arrival] = knowledge.arrivals.last;
  const moment = emptyMoment(0, [machineOf("m", 1)]);
  const recording: Recording = {
    jobs: [{ id: "j0", arrival: arrival! }],
    runMs: new Map(Array.from({ length: 60 }, (_, index) => [`j0/0/${index}`, 60_000])),
    leftOut: 0,
    cloud: { ...moment, autonomy: { ...noAutonomy, offers: [offer] } },
  };
  const fleet = { waitMsMax: 60_000, machinesMin: 0, machinesMax: 3, idleMs: 60_000 };
  const rules = { type: "autonomic", timeZone: "UTC", autonomy: {}, fleet } as const;
  const asked = (await replay(recording, "as-it-is", () => false))!;
  const bought = (await replay(recording, { title: "policy.yaml", rules }, () => false))!;
  assert.equal(asked.bought, 0);
  assert.equal(bought.policy, "policy.yaml");
  assert.equal(bought.bought, 3);
  assert.ok(bought.makespanMs < asked.makespanMs / 4);
  assert.ok(bought.machinesMicros! > 0);
});

test("replay() keeps deadlines as Canopy does: it buys for those that were recorded, and for those that rules give", async () => {
  const cloud = await TestCloud.open([machineOf("m", 1)], {
    runMs: () => 60_000,
    fails: () => false,
  });
  cloud.submit("j0", { title: "work", steps: [work("work", 60)] });
  await cloud.fork.run(() => false);
  const { arrivals, runTimes } = cloud.knowledge;
  const [arrival] = arrivals.last as [Arrival];
  const load = (deadlineMs?: number): Recording => {
    const goal = { plan: "gone", objective: "cost" } as const;
    const spec = deadlineMs ? { goal: { ...goal, deadlineAt: arrival.at + deadlineMs } } : {};
    return {
      jobs: [{ id: "j0", arrival: { ...arrival, spec: { ...arrival.spec, ...spec } } }],
      runMs: new Map(Array.from({ length: 60 }, (_, index) => [`j0/0/${index}`, 60_000])),
      leftOut: 0,
      cloud: {
        ...emptyMoment(0, [machineOf("m", 1)]),
        runTimes: runTimes.known([sortOfTitle("p", "work")]),
        autonomy: { ...noAutonomy, offers: [offer] },
      },
    };
  };
  const run = (recording: Recording, policy: Tried) => replay(recording, policy, () => false);
  const recorded = (await run(load(1_200_000), "as-it-is"))!;
  assert.deepEqual([recorded.deadlines, recorded.missed], [1, 0]);
  assert.ok(recorded.bought > 0);
  const fast = (await run(load(1_200_000), "fast"))!;
  assert.ok(fast.makespanMs < recorded.makespanMs && fast.costMicros! > recorded.costMicros!);
  const rules = {
    type: "autonomic",
    timeZone: "UTC",
    autonomy: {},
    deadlineMs: 1_200_000,
  } as const;
  const ruled = (await run(load(), { title: "rules.yaml", rules }))!;
  assert.deepEqual([ruled.deadlines, ruled.missed, ruled.bought], [1, 0, recorded.bought]);
  const without = (await run(load(), "as-it-is"))!;
  assert.deepEqual([without.deadlines, without.bought], [0, 0]);
});
