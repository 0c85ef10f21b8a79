import assert from "node:assert/strict";
import { test } from "node:test";
import { replay, type Recording } from "./replay.ts";
import { machineOf, TestCloud, work } from "./testing/cloud.ts";

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
    machines: [machineOf("m", 1)],
    placement: "asked",
    runTimes: knowledge.runTimes.known([
      'class p ["long"] process 1000 0',
      'class p ["short"] process 1000 0',
    ]),
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
