import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { FullLog } from "./testing/full-log.ts";
import { membersOn, ofStep, pass, pool } from "./testing/pool.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const nowhere = { needs: { milliCpus: 64_000 } };

/** Gives back one that it holds, as when it stops. */
function giveBack(agent: FakeAgent): string {
  const { task, fence } = agent.held.shift()!;
  agent.session.release([[task, fence]]);
  return task;
}

describe("a member of a gang that is given back", () => {
  test("is missed by nobody while the minimum holds, and joins again", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 3);
    rig.step("j1/0", 6, { spec: { gang: { minimum: 5 } } });
    await rig.clock.advance(0);
    assert.equal(membersOn(agents, "j1/0").length, 6);
    const fences = new Map(agents.flatMap(({ held }) => held.map((one) => [one.task, one.fence])));
    const given = giveBack(agents[0]!);
    await pass(rig, agents, 100);
    assert.equal(membersOn(agents, "j1/0").length, 6);
    for (const { task, fence } of agents.flatMap(({ held }) => held))
      assert.equal(fence === fences.get(task), task !== given, task);
    const { status } = (await rig.task(given))!;
    assert.deepEqual([status.regrouped, status.lost, status.attempts], [1, undefined, undefined]);
  });

  test("ends the others when too few of them stay", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 3);
    rig.step("j1/0", 6, { spec: { gang: { minimum: 5 } } });
    await rig.clock.advance(0);
    for (const agent of agents) agent.onOffer = () => {};
    giveBack(agents[0]!);
    giveBack(agents[1]!);
    await rig.clock.advance(0);
    assert.deepEqual(membersOn(agents, "j1/0"), []);
    assert.deepEqual(rig.scheduler.leases("j1"), []);
  });

  test("is given back once the disk has space again", async () => {
    const log = new FullLog();
    const rig = await Rig.open(() => {}, { log });
    const agents = await pool(rig, 1);
    rig.step("j1/0", 2, { spec: { gang: { minimum: 1 } } });
    await rig.clock.advance(0);
    log.isFull = true;
    rig.step("j2/0", 1, nowhere);
    await rig.clock.advance(0);
    const before = agents[0]!.held.map(({ fence }) => fence);
    giveBack(agents[0]!);
    await pass(rig, agents, 1000);
    assert.equal(rig.scheduler.leases("j1").length, 2);
    log.isFull = false;
    await pass(rig, agents, 3000);
    assert.equal(ofStep(agents[0]!, "j1/0").length, 2);
    assert.ok(agents[0]!.held.some(({ fence }) => !before.includes(fence)));
    assert.ok(agents[0]!.held.some(({ fence }) => before.includes(fence)));
  });
});

describe("a gang of which too little came back after a restart", () => {
  test("is not ended when the disk was full then and enough of it has come since", async () => {
    const log = new FullLog();
    let rig = await Rig.open(() => {}, { log });
    const agents = await pool(rig, 2);
    rig.step("j1/0", 4, { spec: { gang: { minimum: 3 } } });
    await rig.clock.advance(0);
    rig = await rig.restart();
    const one = rig.agent("m0", agents[0]!.holds());
    log.isFull = true;
    rig.step("j2/0", 1, nowhere);
    await pass(rig, [one], limits.leaseMs + limits.leaseLookMs);
    assert.equal(rig.scheduler.leases("j1").length, 2, "it is to end, and that cannot be recorded");
    const other = rig.agent("m1", agents[1]!.holds());
    assert.equal(rig.scheduler.leases("j1").length, 4);
    log.isFull = false;
    await pass(rig, [one, other], 5000);
    assert.deepEqual([one.cancels, other.cancels], [[], []]);
    assert.equal(rig.scheduler.leases("j1").length, 4);
  });
});

describe("a whole gang", () => {
  test("is given up as a whole, also with those that failed in the same report and had tries left", async () => {
    const rig = await Rig.open();
    const [agent] = await pool(rig, 1);
    rig.step("j1/0", 2, { spec: { gang: {} }, template: { retries: 1 } });
    await rig.clock.advance(0);
    await agent!.fail("bad", ofStep(agent!, "j1/0").slice(0, 1));
    await rig.clock.advance(2000);
    assert.equal(agent!.held.length, 2);
    await agent!.fail("worse");
    await pass(rig, [agent!], 2000);
    assert.deepEqual(agent!.held, []);
    assert.equal(rig.status("j1/0").failed, 2);
    const { status } = (await rig.task("j1/0/1"))!;
    assert.deepEqual(
      status.attempts!.map(({ error }) => error.reason),
      ["threw", "gang-failed"],
    );
  });
});
