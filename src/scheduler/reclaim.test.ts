import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { membersOn, ofStep, pass, pool } from "./testing/pool.ts";
import { Rig } from "./testing/rig.ts";

const long = { template: { timeoutMs: 3_600_000 } };
const quota = (cpus: number) => (rig: Rig) =>
  rig.project("p", 1, { quota: { milliCpus: cpus * 1000 } });

/** How often the tasks of a step have been stopped for others. */
async function stopsOf(rig: Rig, step: string, tasks: number): Promise<number> {
  let stops = 0;
  for (let index = 0; index < tasks; index++)
    stops += (await rig.task(`${step}/${index}`))?.status.preempted?.times ?? 0;
  return stops;
}

describe("a machine that asks for no work", () => {
  test("makes a gang stop nobody, as the places there are none", async () => {
    const rig = await Rig.open(quota(8));
    const silent = rig.agent("m1");
    const [asking] = await pool(rig, 1);
    const agents = [silent, asking!];
    rig.step("g/0", 4, { priority: 5, spec: { gang: {} } });
    await pass(rig, agents, 2 * limits.passedOverMs);
    rig.step("low/0", 2, { priority: -1, ...long });
    await pass(rig, agents, 6 * limits.reclaimMs);
    assert.equal(membersOn(agents, "low/0").length, 2);
    assert.equal(await stopsOf(rig, "low/0", 2), 0);
    silent.onOffer = () => silent.session.pull(1024);
    await silent.pull();
    await pass(rig, agents, 2 * limits.reclaimMs);
    assert.equal(membersOn(agents, "g/0").length, 4);
  });

  test("does not keep a task waiting that may take the place of another one elsewhere", async () => {
    const rig = await Rig.open(quota(8));
    const silent = rig.agent("m1");
    const [asking] = await pool(rig, 1);
    const agents = [silent, asking!];
    rig.step("low/0", 2, { priority: -1, ...long });
    await rig.clock.advance(100);
    rig.step("high/0", 1, { priority: 5, ...long });
    await pass(rig, agents, 2 * limits.reclaimMs);
    assert.equal(ofStep(asking!, "high/0").length, 1);
    assert.equal(await stopsOf(rig, "low/0", 2), 1);
  });
});

test("a gang is stopped for what its members on shared machines free of a quota, not for those on its own machine", async () => {
  const rig = await Rig.open(quota(4));
  rig.machine("own", { cpus: 3 });
  rig.machine("shared", { cpus: 8 });
  rig.commit((tx) => {
    const machine = tx.get("machine", "own")!;
    tx.put({ ...machine, spec: { ...machine.spec, reservedFor: "g" } });
  });
  const agents = [rig.agent("own"), rig.agent("shared")];
  for (const agent of agents) {
    agent.onOffer = () => agent.session.pull(1024);
    await agent.pull();
  }
  rig.step("g/0", 4, { priority: -2, spec: { gang: {} } });
  await pass(rig, agents, 1000);
  rig.step("low/0", 3, { priority: 5, ...long });
  await pass(rig, agents, 1000);
  assert.equal(membersOn(agents, "g/0").length, 4);
  assert.equal(membersOn(agents, "low/0").length, 3);
  // of four CPUs the gang holds one: with that one the other still has too little
  rig.step("high/0", 1, { priority: 5, needs: { milliCpus: 3000 }, ...long });
  await pass(rig, agents, 6 * limits.reclaimMs);
  assert.equal(membersOn(agents, "g/0").length, 4);
  assert.equal(await stopsOf(rig, "g/0", 4), 0);
  await agents[1]!.finish(ofStep(agents[1]!, "low/0").slice(1));
  await pass(rig, agents, 2 * limits.reclaimMs);
  assert.equal(membersOn(agents, "high/0").length, 1);
  assert.equal(membersOn(agents, "g/0").length, 0);
});

test("nobody is stopped again and again for a task whose place others get, as it would borrow and they need not", async () => {
  const rig = await Rig.open((rig) => {
    for (const name of ["a", "b"])
      rig.project(name, 1, { quota: { milliCpus: 5000 }, cohort: "lab" });
  });
  rig.machine("m0", { cpus: 3 });
  rig.machine("m1", { cpus: 4 });
  const high = { project: "a", priority: 1, needs: { milliCpus: 3000 }, ...long };
  rig.step("high/0", 1, high);
  const agents = await pool(rig, 2);
  rig.step("low/0", 9, { project: "a", priority: -1, ...long });
  await pass(rig, agents, 1000);
  assert.equal(ofStep(agents[1]!, "low/0").length, 4);
  rig.step("high/1", 1, high);
  await pass(rig, agents, 12 * limits.reclaimMs);
  const stops = await stopsOf(rig, "low/0", 9);
  assert.ok(stops > 0 && stops < 20, `${stops}`);
  await agents[0]!.finish(ofStep(agents[0]!, "high/0"));
  await pass(rig, agents, 2 * limits.reclaimRestMsMax);
  assert.equal(membersOn(agents, "high/1").length, 1);
});

test("nobody is stopped on a machine whose places are kept for a gang, for who would not get them", async () => {
  const rig = await Rig.open(quota(100));
  const agents = await pool(rig, 2);
  rig.step("low/0", 2, { priority: -1, ...long });
  rig.step("busy/0", 2, { priority: 9, ...long });
  await pass(rig, agents, 1000);
  assert.equal(membersOn(agents, "low/0").length, 2);
  rig.step("gang/0", 4, { spec: { gang: {} } });
  await pass(rig, agents, 2 * limits.passedOverMs);
  assert.match(rig.scheduler.explainJob("gang")[0]!.sentence, /kept for it/);
  rig.step("high/0", 1, { priority: 1, ...long });
  await pass(rig, agents, 6 * limits.reclaimMs);
  assert.equal(membersOn(agents, "low/0").length, 2);
  assert.equal(await stopsOf(rig, "low/0", 2), 0);
});
