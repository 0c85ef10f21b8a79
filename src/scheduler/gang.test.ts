import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { noUsage } from "#/model/usage.ts";
import { membersOn, ofStep, pass, pool } from "./testing/pool.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

describe("a gang", () => {
  test("begins when all of it fits at the same moment, and each member knows the others", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    rig.step("j2/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(1000);
    assert.deepEqual(membersOn(agents, "j2/0"), []);
    await agents[0]!.finish();
    await rig.clock.advance(limits.gangLookMs);
    assert.deepEqual(membersOn(agents, "j2/0"), ["j2/0/0", "j2/0/1", "j2/0/2", "j2/0/3"]);
    const told = agents.flatMap((agent) => agent.held.map(({ gang }) => gang!));
    assert.equal(new Set(told.map((gang) => JSON.stringify(gang))).size, 1);
    const hosts = told[0]!.hosts.flatMap(([host, count]) => Array<string>(count).fill(host));
    for (const [index, agent] of agents.entries())
      for (const { task } of agent.held)
        assert.equal(hosts[Number(task.slice(-1))], `m${index}`, task);
  });

  test("succeeds as a whole: who has finished waits for the others, and is not acknowledged before", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(0);
    let isAcknowledged = false;
    const [first, second] = agents as [FakeAgent, FakeAgent];
    void first.finish().then(() => (isAcknowledged = true));
    await rig.clock.advance(1000);
    assert.equal(isAcknowledged, false);
    assert.equal(rig.status("j1/0").succeeded, 0);
    const error = { reason: "timed-out" as const, message: "hangs" };
    for (const { task, fence, machine } of rig.scheduler.leases("j1"))
      if (machine === "m0")
        assert.equal(
          rig.scheduler.endAttempt({ task, fence }, error, () => {}),
          false,
          "it does not run",
        );
    await second.finish();
    await rig.clock.advance(0);
    assert.equal(rig.status("j1/0").succeeded, 4);
    assert.equal(rig.status("j1/0").usage.attempts, 4);
    assert.equal(isAcknowledged, true);
  });

  test("runs again as a whole when the machine of one member is lost, and only that one is charged", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 3);
    rig.step("j1/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(0);
    const used = agents.filter((agent) => agent.held.length > 0);
    assert.equal(used.length, 2);
    const [gone, stays] = used as [FakeAgent, FakeAgent];
    const lost = gone.held.map(({ task }) => task);
    const others = stays.held.map(({ task }) => task);
    void stays.finish(); // they have succeeded, and it is not enough
    gone.session.close();
    const live = agents.filter((agent) => agent !== gone);
    await pass(rig, live, limits.leaseMs + limits.leaseLookMs);
    assert.equal(membersOn(live, "j1/0").length, 4);
    for (const name of lost) assert.equal((await rig.task(name))!.status.lost, 1);
    for (const name of others) {
      const { status } = (await rig.task(name))!;
      assert.deepEqual([status.lost, status.regrouped], [undefined, 1]);
    }
    assert.deepEqual(
      new Set(live.flatMap(({ held }) => held.map(({ attempt }) => attempt))),
      new Set([2]),
    );
    await Promise.all(live.map((agent) => agent.finish()));
    assert.equal(rig.status("j1/0").succeeded, 4);
  });

  test("with a minimum begins with so many, and the others join as they fit", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 2);
    await rig.clock.advance(0);
    rig.step("j2/0", 5, { spec: { gang: { minimum: 3 } } });
    await rig.clock.advance(1000);
    assert.deepEqual(membersOn(agents, "j2/0"), []);
    const [busy, free] = agents as [FakeAgent, FakeAgent];
    await busy.finish(busy.held.slice(0, 1));
    await rig.clock.advance(limits.gangLookMs);
    assert.deepEqual(membersOn(agents, "j2/0"), ["j2/0/0", "j2/0/1", "j2/0/2"]);
    await busy.finish(ofStep(busy, "j1/0"));
    assert.deepEqual(membersOn(agents, "j2/0"), ["j2/0/0", "j2/0/1", "j2/0/2", "j2/0/3"]);
    const joined = agents.flatMap(({ held }) => held).find(({ task }) => task === "j2/0/3")!;
    const hosts = joined.gang!.hosts.flatMap(([host, count]) => Array<string>(count).fill(host));
    const own = agents.find((agent) => agent.held.includes(joined))!.name;
    assert.deepEqual([hosts.length, hosts[3], hosts[4]], [5, own, ""]);
    await free.finish(free.held.slice(0, 1)); // one that has succeeded is missed by nobody
    assert.equal(rig.status("j2/0").succeeded, 1);
    assert.equal(membersOn(agents, "j2/0").length, 4);
  });

  test("that is whole fails as a whole when one of its tasks is given up", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 4, { spec: { gang: {} }, template: { retries: 1 } });
    await rig.clock.advance(0);
    await agents[0]!.fail("bad", agents[0]!.held.slice(0, 1));
    await rig.clock.advance(2000);
    assert.equal(
      membersOn(agents, "j1/0").length,
      4,
      "it runs again when the failed one has rested",
    );
    await agents[0]!.fail(
      "worse",
      ofStep(agents[0]!, "j1/0").filter(({ task }) => task.endsWith("/0")),
    );
    await rig.clock.advance(0);
    assert.equal(rig.status("j1/0").failed, 4);
    const { status } = (await rig.task("j1/0/3"))!;
    assert.equal(status.attempts!.at(-1)!.error.reason, "gang-failed");
  });

  test("has places kept for it, and what passes it by has to be over by the time that was promised", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 3, { template: { timeoutMs: 60_000 } });
    await rig.clock.advance(0);
    rig.step("j2/0", 4, { spec: { gang: {} } });
    await pass(rig, agents, limits.passedOverMs * 2);
    rig.step("j3/0", 9, { priority: 5 });
    const usage = { ...noUsage, attempts: 4, wallMs: 20_000 };
    rig.step("j4/0", 9, { priority: 5, needs: { memoryBytes: 1 }, status: { usage } });
    const brief = () => membersOn(agents, "j4/0").length;
    await pass(rig, agents, 1000);
    assert.equal(brief(), 1, "it is over long before");
    const [why] = rig.scheduler.explainJob("j2");
    assert.match(
      why!.sentence,
      /needs 4 places of 1 CPU at once, and 0 are free; places are kept for it on m\d, m\d as they become free, in about 5\ds/,
    );
    const end = (job: string) =>
      Promise.all(agents.map((agent) => agent.finish(ofStep(agent, job), {}, 5000)));
    await end("j4/0");
    assert.equal(brief(), 1);
    await pass(rig, agents, 60_000);
    await end("j4/0");
    assert.equal(brief(), 0, "what was promised has passed, although those in its way still run");
    assert.deepEqual(membersOn(agents, "j3/0"), [], "nobody knows how long it would take");
    await end("j1/0");
    await rig.clock.advance(limits.gangLookMs);
    assert.equal(membersOn(agents, "j2/0").length, 4);
  });

  test("counts as a whole against a quota", async () => {
    const rig = await Rig.open((rig) => rig.project("p", 1, { quota: { milliCpus: 3000 } }));
    const agents = await pool(rig, 2);
    rig.step("j1/0", 4, { spec: { gang: {} } });
    rig.step("j2/0", 3, { spec: { gang: {} } });
    await rig.clock.advance(1000);
    assert.deepEqual(membersOn(agents, "j1/0"), []);
    assert.equal(membersOn(agents, "j2/0").length, 3);
    const why = rig.scheduler.explainJob("j1").map(({ sentence }) => sentence);
    assert.match(
      why.join(),
      /never fits the quota: its 4 tasks need 4 CPUs, and project p may use 3 CPUs/,
    );
  });

  test("makes room as a whole, and is made room for as a whole", async () => {
    const rig = await Rig.open((rig) => rig.project("p", 1, { quota: { milliCpus: 4000 } }));
    const agents = await pool(rig, 2);
    rig.step("j1/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(0);
    rig.step("j2/0", 1, { priority: 5 });
    await pass(rig, agents, limits.reclaimMs * 2);
    assert.deepEqual(membersOn(agents, "j1/0"), []);
    assert.equal(membersOn(agents, "j2/0").length, 1);
    for (const index of [0, 1, 2, 3]) {
      const { status } = (await rig.task(`j1/0/${index}`))!;
      assert.deepEqual([status.preempted?.times, status.lost], [1, undefined]);
    }
    rig.cancel("j1");
    rig.step("j3/0", 3);
    await rig.clock.advance(0);
    assert.equal(membersOn(agents, "j3/0").length, 3);
    rig.step("j4/0", 4, { priority: 9, spec: { gang: {} } });
    await pass(rig, agents, limits.reclaimMs * 2);
    assert.equal(membersOn(agents, "j4/0").length, 4);
  });

  test("is stopped as a whole when some of it may not be where it is any more", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(0);
    rig.commit((tx) => {
      const machine = tx.get("machine", "m0")!;
      tx.put({ ...machine, spec: { ...machine.spec, labels: { site: "lab" } } });
      const step = tx.get("step", "j1/0")!;
      const { template } = step.spec;
      const needs = { ...template.needs, labels: { site: "lab" } };
      tx.put({ ...step, spec: { ...step.spec, template: { ...template, needs } } });
    });
    await rig.clock.advance(0);
    assert.deepEqual(membersOn(agents, "j1/0"), []);
    assert.match(rig.scheduler.explainJob("j1")[0]!.sentence, /could carry 2/);
  });

  test("goes on over a restart of the cloud when all of it comes back, and runs again when some does not", async () => {
    for (const comesBack of [true, false]) {
      let rig = await Rig.open();
      const [one, other] = (await pool(rig, 2)) as [FakeAgent, FakeAgent];
      rig.step("j1/0", 4, { spec: { gang: {} } });
      await rig.clock.advance(0);
      const [holds, others] = [one.holds(), other.holds()];
      rig = await rig.restart();
      const first = rig.agent("m0", holds);
      const second = rig.agent("m1", comesBack ? others : []);
      await rig.clock.advance(0);
      assert.equal(rig.scheduler.leases("j1").length, comesBack ? 4 : 0);
      assert.equal(first.cancels.length, comesBack ? 0 : 2);
      if (comesBack) continue;
      for (const agent of [first, second]) await agent.pull();
      await rig.clock.advance(limits.gangLookMs);
      assert.equal(membersOn([first, second], "j1/0").length, 4);
    }
  });

  test("says how many places it lacks, and when there will never be enough", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    rig.step("j2/0", 4, { spec: { gang: {} } });
    rig.step("j3/0", 5, { spec: { gang: {} } });
    await rig.clock.advance(100);
    const why = (job: string) => rig.scheduler.explainJob(job)[0]!;
    assert.deepEqual(why("j2"), {
      subject: "j2/0",
      flip: "1 more place free at the same moment, or a minimum of 3",
      sentence: "it needs 4 places of 1 CPU at once, and 3 are free on 2 machines",
      advice: "wait, or add machines: canopy join",
    });
    assert.match(
      why("j3").sentence,
      /all machines that take its tasks now could carry 4 with nothing else on them/,
    );
    await agents[0]!.finish();
    await rig.clock.advance(limits.gangLookMs);
    const [placed] = await rig.scheduler.explainTask("j2/0/0");
    assert.match(
      placed!.sentence,
      /one of 2 machines on which all 4 of its gang had places at the same moment/,
    );
  });
});
