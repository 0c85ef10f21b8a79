import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const task = "j1/0/0";

/** A task under way on m1, and a second attempt of it on m2. */
async function twice(more: Parameters<Rig["step"]>[2] = {}) {
  const rig = await Rig.open((made) => made.step("j1/0", 1, more));
  const m1 = rig.agent("m1");
  await m1.pull();
  const m2 = rig.agent("m2");
  await m2.pull();
  assert.equal(begin(rig, "m2"), true);
  assert.equal(m2.held.length, 0, "not before it is on disk");
  await rig.clock.advance(0);
  assert.equal(m2.held[0]?.attempt, 2);
  return { rig, m1, m2 };
}

function begin(rig: Rig, machine: string): boolean {
  const [lease] = rig.scheduler.leases();
  return rig.scheduler.beginCopy(lease!, machine, () => {});
}

const status = async (rig: Rig) => (await rig.task(task))!.status;

describe("two attempts of one task", () => {
  for (const [winner, loser] of [
    ["m1", "m2"],
    ["m2", "m1"],
  ] as const)
    test(`end with the first that succeeds: ${winner}`, async () => {
      const { rig, ...agents } = await twice();
      const [won, lost] = [agents[winner], agents[loser]] as [FakeAgent, FakeAgent];
      const late = lost.held.slice();
      await won.finish();
      assert.deepEqual(rig.scheduler.leases(), []);
      assert.deepEqual(lost.held, [], "the other one is told to end it");
      const ended = await status(rig);
      assert.equal(ended.machine, winner);
      await lost.finish(late);
      assert.deepEqual(await status(rig), ended, "what it says then changes nothing");
      assert.equal(rig.status("j1/0").succeeded, 1);
      assert.equal(rig.status("j1/0").usage.attempts, 2);
    });

  test("cost both: the one that is ended as long as it was leased", async () => {
    const { rig, m1 } = await twice();
    await rig.clock.advance(3000);
    await m1.finish(undefined, {}, 3000);
    assert.equal(rig.status("j1/0").usage.wallMs, 6000);
  });

  test("take their room, and their project's quota", async () => {
    const { rig } = await twice();
    const free = rig.scheduler.machines().map((machine) => machine.free.milliCpus);
    assert.deepEqual(free, [1000, 1000]);
    assert.equal(rig.scheduler.usedBy("p").milliCpus, 2000);
  });

  test("need no quota for a second one on a machine that is paid for", async () => {
    const rig = await Rig.open((made) => {
      made.project("p", 1, { quota: { milliCpus: 1000 } });
      made.step("j1/0", 1);
    });
    const m1 = rig.agent("m1");
    await m1.pull();
    const shared = rig.agent("m2");
    await shared.pull();
    const own = rig.machine("m3");
    rig.commit((tx) => tx.put({ ...own, spec: { ...own.spec, reservedForProject: "p" } }));
    await rig.agent("m3").pull();
    assert.deepEqual(rig.scheduler.spareFor(task), ["m3"]);
    assert.equal(begin(rig, "m2"), false);
    assert.equal(begin(rig, "m3"), true);
    assert.equal(rig.scheduler.usedBy("p").milliCpus, 1000);
  });

  test("are one when the other fails, and only the last one can fail the task", async () => {
    const { rig, m1, m2 } = await twice({ template: { retries: 0 } });
    await m2.fail();
    assert.equal((await status(rig)).phase, "ready");
    assert.equal(rig.scheduler.leases().length, 1);
    await m1.fail();
    assert.equal((await status(rig)).phase, "failed");
    assert.equal((await status(rig)).attempts?.length, 1);
  });

  test("are one when a machine is lost, and nothing is handed out anew", async () => {
    const { rig, m1, m2 } = await twice();
    const m3 = rig.agent("m3");
    await m3.pull();
    for (let waitedMs = 0; waitedMs < 12_000; waitedMs += 1000) {
      m2.beat(m2.held);
      m3.beat();
      await rig.clock.advance(1000);
    }
    assert.deepEqual(m3.held, []);
    assert.equal((await status(rig)).lost, 1);
    await m1.finish();
    assert.equal((await status(rig)).phase, "ready", "its lease was over");
    await m2.finish();
    assert.equal((await status(rig)).phase, "succeeded");
  });

  test("both end with their job", async () => {
    const { rig, m1, m2 } = await twice();
    rig.cancel("j1");
    await rig.clock.advance(0);
    assert.deepEqual([...m1.held, ...m2.held], []);
    assert.deepEqual(rig.scheduler.leases(), []);
  });

  test("are both taken over after a failover, and the first that succeeds counts", async () => {
    const { rig, m1, m2 } = await twice();
    const next = await rig.restart();
    const again = [next.agent("m1", m1.holds()), next.agent("m2", m2.holds())];
    assert.equal(next.scheduler.leases().length, 2);
    assert.deepEqual(again[0]!.cancels, []);
    await again[0]!.finish(m1.held);
    assert.deepEqual(again[1]!.cancels, m2.holds());
    assert.deepEqual(next.scheduler.leases(), []);
    assert.equal((await status(next)).machine, "m1");
  });

  test("keep their order after a failover, whichever machine is back before the other", async () => {
    for (const order of [
      ["m1", "m2"],
      ["m2", "m1"],
    ] as const) {
      const { rig, ...agents } = await twice();
      const next = await rig.restart();
      for (const name of order) next.agent(name, agents[name].holds());
      await next.clock.advance(0);
      const second = next.scheduler.leases().filter(({ isSecond }) => isSecond);
      assert.deepEqual(
        second.map(({ machine }) => machine),
        ["m2"],
      );
      assert.equal(next.scheduler.leaseOf(task)?.machine, "m1");
    }
  });

  test("do not come back once one is over: a claim on it is not believed after a failover", async () => {
    const { rig, m1, m2 } = await twice();
    const stale = m2.holds();
    await m2.fail();
    const next = await rig.restart();
    const second = next.agent("m2", stale);
    const first = next.agent("m1", m1.holds());
    await next.clock.advance(0);
    assert.deepEqual(second.cancels, stale);
    assert.equal(next.scheduler.leases().length, 1);
    await first.finish(m1.held);
    assert.equal((await status(next)).machine, "m1");
  });

  test("are two at most: one that was away while another was begun in its place is ended", async () => {
    const { rig, m1, m2 } = await twice();
    const next = await rig.restart();
    const second = next.agent("m2", m2.holds());
    const third = next.agent("m3");
    await third.pull();
    assert.equal(begin(next, "m3"), true);
    await next.clock.advance(0);
    const late = next.agent("m1", m1.holds());
    await next.clock.advance(0);
    assert.deepEqual(late.cancels, m1.holds());
    await third.finish();
    assert.deepEqual(second.cancels, m2.holds());
    assert.deepEqual(next.scheduler.leases(), []);
  });

  test("are both taken over after a failover also when the younger was begun beside another second attempt", async () => {
    const { rig, m1, m2 } = await twice();
    await m1.fail();
    const m3 = rig.agent("m3");
    await m3.pull();
    assert.equal(begin(rig, "m3"), true);
    await rig.clock.advance(0);
    const next = await rig.restart();
    const again = [next.agent("m3", m3.holds()), next.agent("m2", m2.holds())];
    await next.clock.advance(0);
    assert.deepEqual(
      again.map(({ cancels }) => cancels),
      [[], []],
    );
    assert.equal(next.scheduler.leases().length, 2);
  });

  test("are both over once another one was begun after a failover, while nobody claimed them", async () => {
    const { rig, m1, m2 } = await twice();
    const next = await rig.restart();
    const third = next.agent("m3");
    await next.clock.advance(12_000);
    await third.pull();
    assert.equal(third.held.length, 1);
    const late = [next.agent("m2", m2.holds()), next.agent("m1", m1.holds())];
    await next.clock.advance(0);
    assert.deepEqual(late[0]!.cancels, m2.holds());
    assert.deepEqual(late[1]!.cancels, m1.holds());
    await late[0]!.finish(m2.held);
    assert.equal((await status(next)).phase, "ready");
    await third.finish();
    assert.equal((await status(next)).machine, "m3");
  });

  test("leave no fence open when both have failed", async () => {
    const { rig, m1, m2 } = await twice({ template: { retries: 0 } });
    const late = m2.holds();
    m2.session.close(); // it goes on, unheard
    for (let beats = 0; beats < 30; beats++) {
      m1.beat(m1.held);
      await rig.clock.advance(1000);
    }
    assert.equal(rig.scheduler.leases().length, 1);
    await m1.fail();
    const { phase, fence } = await status(rig);
    assert.equal(phase, "failed");
    assert.ok(fence! >= late[0]![1], `${fence} of ${late[0]![1]}`);
  });

  test("count both in what their project is entitled to", async () => {
    const lab = { cohort: "lab", quota: { milliCpus: 2000 } };
    const rig = await Rig.open((made) => {
      for (const name of ["a", "b", "c"]) made.project(name, 1, lab);
      made.step("j1/0", 1, { project: "a" });
    });
    rig.machine("m2", { cpus: 8 });
    const m1 = rig.agent("m1");
    await m1.pull();
    const m2 = rig.agent("m2");
    await m2.pull();
    assert.equal(begin(rig, "m2"), true);
    await rig.clock.advance(0);
    rig.step("j2/0", 4, { project: "b" });
    await m2.pull();
    assert.equal(m2.held.length, 5, "b borrows what c does not use");
    rig.step("j3/0", 1, { project: "a" });
    for (let beats = 0; beats < 60; beats++) {
      for (const agent of [m1, m2]) agent.beat(agent.held);
      await rig.clock.advance(1000);
    }
    assert.equal(m2.held.length, 5, "a uses all of its quota, and takes nothing back");
  });

  test("are not begun where something waits, on the same machine, or twice", async () => {
    const { rig } = await twice();
    assert.equal(begin(rig, "m3"), false);
    const other = await Rig.open((made) => made.step("j1/0", 2));
    const only = other.agent("m1");
    await only.pull(1);
    assert.deepEqual(other.scheduler.spareFor(task), []);
    other.agent("m2").session.pull(1);
    await other.clock.advance(0);
    assert.deepEqual(other.scheduler.spareFor(task), []);
  });

  test("are never of the code of a job, or of what says that it may not", async () => {
    for (const template of [
      { speculate: false },
      { run: { driver: "runner", module: "", function: "f", role: "job" } as const },
    ]) {
      const rig = await Rig.open((made) => made.step("j1/0", 1, { template }));
      await rig.agent("m1").pull();
      await rig.agent("m2").pull();
      assert.deepEqual(rig.scheduler.spareFor(task), []);
    }
  });

  test("are explained", async () => {
    const { rig } = await twice();
    const [first, second] = await rig.scheduler.explainTask(task);
    assert.match(first!.sentence, /attempt 1 is with m1/);
    assert.match(second!.sentence, /attempt 2 is with m2 for .*, beside the one on m1/);
  });
});

test("endAttempt() counts as a failure, and the task is tried again", async () => {
  const rig = await Rig.open((made) => made.step("j1/0", 1));
  const agent = rig.agent("m1");
  await agent.pull();
  const [lease] = rig.scheduler.leases();
  const end = () =>
    rig.scheduler.endAttempt(lease!, { reason: "hung", message: "too long" }, () => {});
  assert.equal(end(), true);
  assert.equal(end(), false);
  await rig.clock.advance(0);
  assert.deepEqual(agent.held, []);
  assert.equal((await status(rig)).attempts?.[0]?.error.reason, "hung");
  assert.equal((await status(rig)).phase, "waiting");
});
