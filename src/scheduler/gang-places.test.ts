import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { noUsage } from "#/model/usage.ts";
import { membersOn, ofStep, pass, pool } from "./testing/pool.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const long = { template: { timeoutMs: 3_600_000 } };

function respec(rig: Rig, name: string, more: Partial<MachineRecord["spec"]>): void {
  rig.commit((tx) => {
    const machine = tx.get("machine", name)!;
    tx.put({ ...machine, spec: { ...machine.spec, ...more } });
  });
}

describe("a gang behind another one of its size", () => {
  test("begins on machines that are its job's own, which the first may not use", async () => {
    const rig = await Rig.open();
    rig.step("j1/0", 4, { spec: { gang: {} } });
    rig.step("j2/0", 4, { spec: { gang: {} } });
    for (const name of ["m0", "m1"]) {
      rig.machine(name);
      respec(rig, name, { reservedFor: "j2" });
    }
    const agents = await pool(rig, 2);
    await rig.clock.advance(limits.gangLookMs);
    assert.equal(membersOn(agents, "j2/0").length, 4);
    assert.equal(membersOn(agents, "j1/0").length, 0);
  });

  test("has places kept for it on machines that are its job's own", async () => {
    const rig = await Rig.open();
    rig.step("j1/0", 4, { spec: { gang: {} } });
    for (const name of ["m0", "m1"]) {
      rig.machine(name);
      respec(rig, name, { reservedFor: "j2" });
    }
    rig.step("j2/0", 1, long);
    const agents = await pool(rig, 2);
    rig.step("j2/1", 4, { spec: { gang: {} } });
    await pass(rig, agents, limits.passedOverMs * 2);
    const kept = rig.scheduler.explainJob("j2").map(({ sentence }) => sentence);
    assert.match(kept.join(), /places are kept for it on m\d, m\d/);
  });

  test("gets what it lacks of its project's quota back from those of a lower priority", async () => {
    const rig = await Rig.open((rig) => rig.project("p", 1, { quota: { milliCpus: 4000 } }));
    rig.machine("m1");
    respec(rig, "m1", { reservedFor: "j2" });
    const agents = await pool(rig, 2);
    rig.step("j0/0", 2, { priority: -1, ...long });
    await rig.clock.advance(0);
    assert.equal(ofStep(agents[0]!, "j0/0").length, 2);
    rig.step("j1/0", 4, { spec: { gang: {} } });
    rig.step("j2/0", 4, { spec: { gang: {} } });
    await pass(rig, agents, limits.reclaimMs * 2);
    assert.equal(membersOn(agents, "j2/0").length, 4);
  });

  test("does not keep those from joining that has begun", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j2/0", 6, { spec: { gang: { minimum: 4 } } });
    await rig.clock.advance(0);
    assert.equal(membersOn(agents, "j2/0").length, 4);
    rig.step("j1/0", 4, { spec: { gang: { minimum: 4 } } });
    await rig.clock.advance(limits.gangLookMs);
    for (const agent of agents) {
      await agent.finish(agent.held.slice(0, 1));
      await rig.clock.advance(limits.gangLookMs);
      assert.equal(membersOn(agents, "j2/0").length, 4, "another one has joined");
    }
  });

  test("that grew while it was made is not taken for as small as it began", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 1);
    rig.step("j1/0", 1, { spec: { gang: {} }, status: { closed: false } });
    await rig.clock.advance(0);
    rig.commit((tx) => {
      const step = tx.get("step", "j1/0")!;
      const task = tx.get("task", "j1/0/0")!;
      for (const index of [1, 2]) tx.put({ ...task, name: `j1/0/${index}` });
      tx.put({ ...step, status: { ...step.status, offered: 3, closed: true, total: 3 } });
    });
    rig.step("j2/0", 1, { spec: { gang: {} } });
    await pass(rig, agents, 1000);
    assert.equal(membersOn(agents, "j2/0").length, 1, "the first never fits");
  });
});

describe("a machine on trial", () => {
  const standing = { phase: "slowed", since: 0, reason: "it was slow", times: 0 } as const;

  test("gets one member of a gang that does not fit without it", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    respec(rig, "m1", { standing });
    rig.step("j1/0", 3, { spec: { gang: {} } });
    await pass(rig, agents, limits.gangLookMs);
    assert.deepEqual(
      agents.map((agent) => ofStep(agent, "j1/0").length),
      [2, 1],
    );
    await Promise.all(agents.map((agent) => agent.finish()));
    rig.step("j2/0", 4, { spec: { gang: {} } });
    await pass(rig, agents, 1000);
    assert.equal(membersOn(agents, "j2/0").length, 0);
    assert.match(
      rig.scheduler.explainJob("j2")[0]!.sentence,
      /could carry 3 with nothing else on them/,
    );
  });

  test("gets none of a gang that fits without it", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 3);
    respec(rig, "m0", { standing });
    rig.step("j1/0", 3, { spec: { gang: {} } });
    await pass(rig, agents, limits.gangLookMs);
    assert.equal(membersOn(agents, "j1/0").length, 3);
    assert.deepEqual(ofStep(agents[0]!, "j1/0"), []);
  });

  test("has its place kept for a gang while it runs another task", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    respec(rig, "m1", { standing });
    rig.step("j1/0", 3, long);
    await rig.clock.advance(0);
    rig.step("j2/0", 3, { spec: { gang: {} } });
    await pass(rig, agents, limits.passedOverMs * 2);
    rig.step("j3/0", 9, { priority: 5, ...long });
    for (const agent of agents) await agent.finish(ofStep(agent, "j1/0"));
    await pass(rig, agents, 1000);
    assert.equal(membersOn(agents, "j2/0").length, 3);
  });
});

describe("places that are kept for a gang", () => {
  test("are looked for elsewhere when the only machine that has them is removed", async () => {
    const rig = await Rig.open();
    const startMs = rig.clock.monotonicMs();
    const [m0] = await pool(rig, 1);
    rig.step("j1/0", 1, long);
    await rig.clock.advance(0);
    rig.step("j2/0", 2, { spec: { gang: {} } });
    await pass(rig, [m0!], limits.passedOverMs * 2);
    assert.match(rig.scheduler.explainJob("j2")[0]!.sentence, /places are kept for it on m0/);
    const passedMs = (rig.clock.monotonicMs() - startMs) % limits.leaseLookMs;
    await rig.clock.advance(limits.leaseLookMs - passedMs - 10);
    await m0!.pull(); // gangs are looked at just now, and will not be before it is gone
    rig.commit((tx) => tx.delete("machine", "m0"));
    m0!.session.close();
    await rig.clock.advance(20);
    assert.deepEqual(rig.scheduler.machines(), []);
    rig.cancel("j1");
    const m1 = rig.agent("m1");
    await m1.pull();
    await pass(rig, [m1], 1000);
    assert.equal(membersOn([m1], "j2/0").length, 2);
  });

  test("are taken as soon as they are free, however late the next look was to be", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 1);
    rig.step("j1/0", 1, long);
    await rig.clock.advance(0);
    rig.step("j2/0", 2, { spec: { gang: {} } });
    await rig.clock.advance(500);
    const [agent] = agents as [FakeAgent];
    await agent.pull(); // a look
    await rig.clock.advance(20);
    await agent.finish(ofStep(agent, "j1/0"));
    assert.equal(membersOn(agents, "j2/0").length, 0, "looked just now");
    await rig.clock.advance(limits.gangLookMs);
    assert.equal(membersOn(agents, "j2/0").length, 2);
  });

  test("are given to others when a machine that is needed does not ask for work", async () => {
    const rig = await Rig.open();
    const [m0] = await pool(rig, 1);
    const silent = rig.agent("m1");
    rig.step("j1/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(0);
    rig.step("j2/0", 500, { priority: 5 });
    await rig.clock.advance(0);
    assert.match(
      rig.scheduler
        .explainJob("j2")
        .map(({ sentence }) => sentence)
        .join(),
      /m0 has room that is kept for j1\/0, whose tasks begin at once/,
    );
    let idleMs = 0;
    for (let ms = 0; ms < 20_000; ms += 100) {
      if (ofStep(m0!, "j2/0").length === 0) idleMs += 100;
      await m0!.finish(ofStep(m0!, "j2/0"), {}, 100);
      await pass(rig, [m0!, silent], 100);
    }
    assert.ok(idleMs <= limits.passedOverMs + 500, `${idleMs}`);
    assert.match(
      rig.scheduler.explainJob("j1")[0]!.sentence,
      /; m1 has room as well, and asks for no work/,
    );
    rig.cancel("j2");
    silent.onOffer = () => silent.session.pull(1024);
    await silent.pull();
    await pass(rig, [m0!, silent], 1000);
    assert.equal(membersOn([m0!, silent], "j1/0").length, 4);
  });

  test("are not those of a silent machine where others ask", async () => {
    const rig = await Rig.open();
    rig.machine("m0", { cpus: 8 });
    const silent = rig.agent("m0");
    rig.step("j1/0", 4, { spec: { gang: {} } });
    const agents = [rig.agent("m1"), rig.agent("m2")];
    for (const agent of agents) await agent.pull();
    await pass(rig, [silent, ...agents], 1000);
    assert.equal(membersOn(agents, "j1/0").length, 4);
  });

  test("are used by what is over in time, also behind what is not", async () => {
    const rig = await Rig.open();
    const agents = await pool(rig, 2);
    rig.step("j1/0", 3, { template: { timeoutMs: 60_000 } });
    await rig.clock.advance(0);
    rig.step("j2/0", 4, { spec: { gang: {} } });
    await pass(rig, agents, limits.passedOverMs * 2);
    rig.step("j3/0", 9);
    const usage = { ...noUsage, attempts: 4, wallMs: 20_000 };
    rig.step("j4/0", 1, { status: { usage } });
    await pass(rig, agents, 1000);
    assert.deepEqual(membersOn(agents, "j3/0"), [], "nobody knows how long it would take");
    assert.equal(membersOn(agents, "j4/0").length, 1);
  });
});
