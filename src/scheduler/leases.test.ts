import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { Offer } from "#/model/site.ts";
import { Rig } from "./testing/rig.ts";

async function taken(tasks: number, more: Parameters<Rig["step"]>[2] = {}) {
  const rig = await Rig.open((rig) => rig.step("j1/0", tasks, more));
  const agent = rig.agent("m1");
  await agent.pull();
  return { rig, agent };
}

const expiryMs = limits.leaseMs + limits.leaseMs / 10;

describe("a lease", () => {
  test("lasts as long as its machine is heard", async () => {
    const { rig, agent } = await taken(1);
    for (let beat = 0; beat < 20; beat++) {
      await rig.clock.advance(limits.heartbeatMs);
      agent.beat(agent.held);
    }
    assert.equal(rig.scheduler.leases().length, 1);
    await agent.finish();
    assert.equal(rig.status("j1/0").succeeded, 1);
  });

  test("is over when its machine is not heard for limits.leaseMs, and its task ready again", async () => {
    const { rig, agent } = await taken(1);
    await rig.clock.advance(limits.leaseMs - 1);
    assert.equal(rig.scheduler.leases().length, 1);
    await rig.clock.advance(limits.leaseMs / 10);
    assert.equal(rig.scheduler.leases().length, 0);
    const { status } = rig.space.get("task", "j1/0/0")!;
    assert.deepEqual([status.phase, status.lost], ["ready", 1]);
    assert.equal(rig.status("j1/0").lost, 1);
    const other = rig.agent("m2");
    await other.pull();
    assert.equal(other.held[0]!.attempt, 2);
    await agent.finish();
    assert.equal(rig.status("j1/0").succeeded, 0);
    await other.finish();
    assert.equal(rig.status("j1/0").succeeded, 1);
  });

  test("of a machine that was heard last is another's within 10 s", async () => {
    for (const heardMs of [0, 1, 137, 449]) {
      const { rig, agent } = await taken(1);
      const other = rig.agent("m2");
      await other.pull();
      await rig.clock.advance(heardMs);
      agent.beat(agent.held);
      await rig.clock.advance(limits.leaseMs / 2);
      other.beat();
      await rig.clock.advance(limits.leaseMs / 2 - 1);
      assert.equal(other.held.length, 0);
      other.beat();
      await rig.clock.advance(10_000 - limits.leaseMs);
      assert.equal(other.held.length, 1);
    }
  });

  test("that is over is told to the agent when its link is still there", async () => {
    const { rig, agent } = await taken(1);
    const claims = agent.holds();
    await rig.clock.advance(expiryMs);
    assert.deepEqual(agent.cancels, claims);
  });

  test("outlives its session until it would have run out", async () => {
    const { rig, agent } = await taken(1);
    agent.session.close();
    await rig.clock.advance(limits.leaseMs - 1);
    assert.equal(rig.scheduler.leases().length, 1);
    assert.equal(rig.scheduler.machines()[0]!.connected, false);
    await rig.clock.advance(limits.leaseMs / 10);
    assert.equal(rig.scheduler.leases().length, 0);
  });

  test("stays with a machine that connects again and still holds the task", async () => {
    const { rig, agent } = await taken(2);
    agent.session.close();
    await rig.clock.advance(limits.leaseMs / 2);
    const again = rig.agent("m1", agent.holds());
    await rig.clock.advance(limits.leaseMs - 1);
    assert.equal(rig.scheduler.leases().length, 2);
    await again.finish(agent.held);
    assert.equal(rig.status("j1/0").succeeded, 2);
    assert.deepEqual(again.cancels, []);
  });

  test("is over when the machine connects again without it", async () => {
    const { rig, agent } = await taken(2);
    const [kept] = agent.holds();
    rig.agent("m1", [kept!]);
    assert.deepEqual(
      rig.scheduler.leases().map(({ task }) => task),
      ["j1/0/0"],
    );
    await rig.clock.advance(0);
    assert.equal(rig.space.get("task", "j1/0/1")!.status.lost, 1);
  });

  test("of another machine is not taken over by a claim", async () => {
    const { rig, agent } = await taken(1);
    const claims = agent.holds();
    const thief = rig.agent("m2", claims);
    await rig.clock.advance(0);
    assert.deepEqual(thief.cancels, claims);
    assert.equal(rig.scheduler.leases()[0]!.machine, "m1");
  });

  test("that a beat claims and nobody has is called off", async () => {
    const { rig, agent } = await taken(1);
    const [offer] = agent.held;
    agent.beat([{ ...offer!, fence: offer!.fence - 1 }]);
    await rig.clock.advance(0);
    assert.deepEqual(agent.cancels, [["j1/0/0", offer!.fence - 1]]);
  });

  test("is shown with its task, machine, fence, attempt and beginning", async () => {
    const { rig, agent } = await taken(1);
    const since = rig.clock.now();
    await rig.clock.advance(500);
    assert.deepEqual(rig.scheduler.leases("j1"), [
      {
        task: "j1/0/0",
        machine: "m1",
        fence: agent.held[0]!.fence,
        since,
        attempt: 1,
        isAhead: false,
        ranMs: 500,
        isSecond: false,
      },
    ]);
    assert.deepEqual(rig.scheduler.leases("j2"), []);
  });

  test("is not over because this process stood still", async () => {
    const { rig, agent } = await taken(1);
    const monotonicMs = rig.clock.monotonicMs.bind(rig.clock);
    let sleptMs = 0;
    rig.clock.monotonicMs = () => monotonicMs() + sleptMs;
    await rig.clock.advance(1000);
    sleptMs = 60 * 60_000;
    await rig.clock.advance(2000);
    assert.equal(rig.scheduler.leases().length, 1);
    await rig.clock.advance(expiryMs);
    assert.equal(rig.scheduler.leases().length, 0);
    assert.equal(agent.held.length, 0);
  });
});

describe("a lost machine", () => {
  test("charges only what may have begun of the tasks handed out ahead", async () => {
    const { rig, agent } = await taken(1000);
    for (let round = 0; round < 4; round++) {
      await agent.finish(agent.held, {}, 1);
      await agent.pull();
    }
    const ahead = agent.held.length;
    assert.ok(ahead > 50);
    await rig.clock.advance(expiryMs);
    assert.equal(rig.scheduler.leases().length, 0);
    assert.equal(rig.status("j1/0").lost, 2);
    const other = rig.agent("m2");
    await other.pull();
    while (other.held.length > 0) {
      await other.finish(other.held, {}, 1);
      await other.pull();
    }
    assert.equal(rig.status("j1/0").succeeded, 1000, "what had not begun is lost");
  });

  test("that is lost again and again with a task ends the task", async () => {
    const { rig } = await taken(1);
    for (let loss = 1; loss <= limits.lostMax; loss++) {
      await rig.clock.advance(expiryMs);
      if (loss < limits.lostMax) await rig.agent(`n${loss}`).pull();
    }
    const { status } = (await rig.task("j1/0/0"))!;
    assert.equal(status.phase, "failed");
    assert.equal(status.attempts!.at(-1)!.error.reason, "machine-lost");
    assert.deepEqual([rig.status("j1/0").failed, rig.status("j1/0").lost], [1, limits.lostMax]);
  });

  test("that is lost as spot machines are does not end the task", async () => {
    const { rig } = await taken(1);
    const offer = { market: "spot" } as Offer;
    const spec = { site: "s", offer, orderedAt: 0, askedBy: "test" };
    const status = { phase: "joined", since: 0 } as const;
    const isSpot = (name: string) =>
      rig.commit((tx) => {
        tx.put<"order">({ kind: "order", project: "", name: `o-${name}`, spec, status });
        const machine = tx.get("machine", name)!;
        tx.put({ ...machine, spec: { ...machine.spec, order: `o-${name}` } });
      });
    isSpot("m1");
    for (let loss = 1; loss <= limits.lostMax; loss++) {
      await rig.clock.advance(expiryMs);
      const agent = rig.agent(`n${loss}`);
      isSpot(`n${loss}`);
      await agent.pull();
    }
    const task = (await rig.task("j1/0/0"))!;
    assert.deepEqual([task.status.phase, task.status.lost], ["ready", limits.lostMax]);
  });

  test("that is deleted loses its tasks at once, and is shown no more", async () => {
    const { rig, agent } = await taken(1);
    rig.commit((tx) => tx.delete("machine", "m1"));
    agent.beat(agent.held);
    await rig.clock.advance(limits.leaseMs / 10);
    assert.deepEqual(rig.scheduler.leases(), []);
    assert.deepEqual(rig.scheduler.machines(), []);
  });
});

describe("a short task handed out ahead", () => {
  test("goes back when those before it keep it from beginning", async () => {
    const { rig, agent } = await taken(30);
    await agent.finish(agent.held, {}, 1);
    await agent.pull();
    const running = agent.held.slice(0, 2);
    const stuck = agent.held.length - 2;
    assert.ok(stuck > 0);
    for (let beat = 0; beat * limits.heartbeatMs <= limits.prefetchedMsMax; beat++) {
      agent.beat(running);
      await rig.clock.advance(limits.heartbeatMs);
    }
    agent.beat(running);
    await rig.clock.advance(0);
    assert.equal(agent.cancels.length, stuck);
    assert.deepEqual(
      rig.scheduler.leases().map(({ task }) => task),
      running.map(({ task }) => task),
    );
    assert.equal(rig.status("j1/0").lost, 0);
    assert.equal(rig.scheduler.machines()[0]!.free.milliCpus, 0);
  });

  test("stays when this cloud stood still, as its end may stand behind an older beat", async () => {
    const { rig, agent } = await taken(30);
    await agent.finish(agent.held, {}, 1);
    await agent.pull();
    const { held } = agent;
    const before = rig.status("j1/0").succeeded;
    assert.ok(held.length > 0);
    agent.beat([]);
    await rig.clock.advance(limits.prefetchedMsMax + limits.heartbeatMs);
    agent.beat([]);
    agent.beat([]);
    await agent.finish(held);
    assert.deepEqual(agent.cancels, []);
    assert.equal(rig.status("j1/0").succeeded, before + held.length);
  });
});

describe("connect()", () => {
  test("throws not-found for a machine that has not joined", async () => {
    const rig = await Rig.open();
    const link = { offer() {}, cancel() {}, forget() {}, fault() {} };
    assert.throws(() => rig.scheduler.connect("m1", [], link, () => ""), { code: "not-found" });
  });

  test("takes the place of the machine's older session", async () => {
    const rig = await Rig.open();
    const old = rig.agent("m1");
    await old.pull();
    const agent = rig.agent("m1");
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    assert.equal(old.held.length, 0);
    assert.equal((await agent.pull()).length, 1);
    old.session.close();
    assert.equal(rig.scheduler.machines()[0]!.connected, true);
  });

  test("tells of jobs that ended while the machine was away", async () => {
    const { rig, agent } = await taken(1);
    agent.session.close();
    rig.cancel("j1");
    await rig.clock.advance(0);
    assert.deepEqual(agent.forgotten, []);
    assert.deepEqual(rig.agent("m1").forgotten, ["j1"]);
    assert.deepEqual(rig.agent("m1").forgotten, []);
  });
});

describe("a start", () => {
  test("holds tasks from before back until every machine known has said what it holds", async () => {
    const before = await taken(3);
    before.rig.machine("m2");
    await before.rig.clock.advance(0);
    const held = before.agent.held;
    const rig = await before.rig.restart();
    const second = rig.agent("m2");
    assert.deepEqual(await second.pull(), []);
    rig.step("j2/0", 1);
    await rig.clock.advance(0);
    assert.deepEqual(
      second.held.map(({ task }) => task),
      ["j2/0/0"],
      "new tasks go at once",
    );
    const first = rig.agent("m1", before.agent.holds());
    assert.deepEqual(first.cancels, []);
    await second.pull();
    assert.deepEqual(
      second.held.map(({ task }) => task),
      ["j2/0/0", "j1/0/2"],
    );
    await first.finish(held);
    assert.equal(rig.status("j1/0").succeeded, 2);
  });

  test("hands them out anyway when limits.leaseMs has passed", async () => {
    const before = await taken(2);
    const rig = await before.rig.restart();
    const agent = rig.agent("m2");
    await agent.pull();
    await rig.clock.advance(limits.leaseMs - 1);
    assert.equal(agent.held.length, 0);
    agent.beat();
    await rig.clock.advance(1);
    assert.equal(agent.held.length, 2);
    const late = rig.agent("m1", before.agent.holds());
    await rig.clock.advance(0);
    assert.equal(late.cancels.length, 2);
    await late.finish(before.agent.held);
    assert.equal(rig.status("j1/0").succeeded, 0);
  });

  test("believes a claim that comes after the grace, when nobody else has begun the task", async () => {
    const before = await taken(2);
    before.rig.machine("m2");
    await before.rig.clock.advance(0);
    const rig = await before.rig.restart();
    await rig.clock.advance(60 * 60_000);
    const other = rig.agent("m2");
    await other.pull(1);
    const late = rig.agent("m1", before.agent.holds());
    await rig.clock.advance(0);
    assert.deepEqual(
      late.cancels.map(([task]) => task),
      ["j1/0/0"],
    );
    await late.finish(before.agent.held);
    await other.finish();
    assert.equal(rig.status("j1/0").succeeded, 2);
    assert.equal((await rig.task("j1/0/0"))!.status.machine, "m2");
    assert.equal((await rig.task("j1/0/1"))!.status.machine, "m1");
  });

  test("does not believe a claim on a task that was handed out since and given back", async () => {
    const before = await taken(1);
    before.rig.machine("m2");
    await before.rig.clock.advance(0);
    const rig = await before.rig.restart();
    await rig.clock.advance(limits.leaseMs);
    const other = rig.agent("m2");
    await other.pull();
    other.session.release(other.holds());
    const late = rig.agent("m1", before.agent.holds());
    await rig.clock.advance(0);
    assert.deepEqual(late.cancels, before.agent.holds());
  });

  test("hands out at once when no machine is known", async () => {
    const before = await Rig.open((rig) => rig.step("j1/0", 1));
    const rig = await before.restart();
    assert.equal((await rig.agent("m1").pull()).length, 1);
  });

  test("does not believe a claim that is over by the task's own record", async () => {
    const before = await taken(1, { template: { retryMs: 0 } });
    const claims = before.agent.holds();
    await before.agent.fail();
    const rig = await before.rig.restart();
    const agent = rig.agent("m1", claims);
    await rig.clock.advance(0);
    assert.deepEqual(agent.cancels, claims);
    await agent.pull();
    await rig.clock.advance(0);
    assert.equal(agent.held[0]!.attempt, 2);
  });

  test("does not believe a claim on a dead letter that was brought back", async () => {
    const before = await taken(1, { template: { retries: 0 } });
    const claims = before.agent.holds();
    await before.agent.fail();
    const dead = (await before.rig.task("j1/0/0"))!;
    assert.equal(dead.status.phase, "failed");
    before.rig.commit((tx) =>
      tx.put({ ...dead, status: { phase: "ready", fence: dead.status.fence! } }),
    );
    const rig = await before.rig.restart();
    const agent = rig.agent("m1", claims);
    await rig.clock.advance(0);
    assert.deepEqual(agent.cancels, claims);
  });

  test("believes the younger one of two claims", async () => {
    const before = await taken(1);
    before.rig.machine("m2");
    await before.rig.clock.advance(0);
    const [[task, fence]] = before.agent.holds() as [[string, number]];
    const rig = await before.rig.restart();
    const older = rig.agent("m1", [[task, fence - 1]]);
    const younger = rig.agent("m2", [[task, fence]]);
    await rig.clock.advance(0);
    assert.deepEqual(older.cancels, [[task, fence - 1]]);
    assert.deepEqual(younger.cancels, []);
    assert.equal(rig.scheduler.leases()[0]!.machine, "m2");
  });

  test("lets tasks rest as long as they had to", async () => {
    const before = await taken(1, { template: { retryMs: 20_000 } });
    await before.agent.fail();
    const rig = await before.rig.restart();
    const agent = rig.agent("m1");
    await agent.pull();
    for (let second = 0; second < 20; second++) {
      assert.equal(agent.held.length, 0);
      await rig.clock.advance(1000);
      agent.beat();
    }
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 1);
  });

  test("gives higher fences than any before", async () => {
    const before = await taken(1);
    const fence = before.agent.held[0]!.fence;
    const rig = await before.rig.restart();
    const agent = rig.agent("m1");
    await agent.pull();
    assert.ok(agent.held[0]!.fence > fence);
  });

  test("tells every machine to forget jobs from before that end", async () => {
    const before = await taken(1);
    const rig = await before.rig.restart();
    const agent = rig.agent("m1");
    rig.cancel("j1");
    await rig.clock.advance(0);
    assert.deepEqual(agent.forgotten, ["j1"]);
  });
});
