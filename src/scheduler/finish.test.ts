import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { TaskOffer } from "#/model/wire.ts";
import { FullLog } from "./testing/full-log.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

async function taken(tasks: number, more: Parameters<Rig["step"]>[2] = {}) {
  const rig = await Rig.open((rig) => rig.step("j1/0", tasks, more));
  const agent = rig.agent("m1");
  await agent.pull();
  return { rig, agent };
}

describe("finish()", () => {
  test("archives a task that succeeded, with its result, its machine and what it used", async () => {
    const { rig, agent } = await taken(1);
    await agent.finish(agent.held, { result: '"yes"', exitCode: 0, outputs: { a: "k" } });
    assert.equal(rig.space.get("task", "j1/0/0"), undefined);
    const { status } = (await rig.task("j1/0/0"))!;
    assert.equal(status.phase, "succeeded");
    assert.equal(status.result, '"yes"');
    assert.equal(status.machine, "m1");
    assert.equal(status.exitCode, 0);
    assert.deepEqual(status.outputs, { a: "k" });
    assert.equal(status.usage!.wallMs, 1000);
  });

  test("counts in the step's record, in the same commit", async () => {
    const { rig, agent } = await taken(2);
    const batches = rig.space.sequence;
    await agent.finish();
    const { succeeded, runTimes, usage } = rig.status("j1/0");
    assert.equal(succeeded, 2);
    assert.deepEqual(runTimes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]); // 1000 ms: under 2^10
    assert.equal(usage.attempts, 2);
    assert.equal(usage.cpuMs, 2000);
    assert.ok(usage.costMicros! > 0 && usage.energyJoules! > 0);
    const [batch] = await rig.space.read(batches, 1);
    assert.deepEqual(
      batch!.changes.map(({ record }) => record.kind),
      ["task", "task", "step"],
    );
  });

  test("makes room at once", async () => {
    const { agent } = await taken(4);
    assert.deepEqual(await agent.pull(), []);
    await agent.finish();
    assert.deepEqual(
      agent.held.map(({ task }) => task),
      ["j1/0/2", "j1/0/3"],
    );
  });

  test("resolves when it is durable, and not before", async () => {
    const { rig, agent } = await taken(1);
    let isDone = false;
    const [offer] = agent.held;
    void agent.session.finish([report(offer!)]).then(() => (isDone = true));
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    assert.equal(isDone, false);
    await rig.clock.advance(0);
    assert.equal(isDone, true);
  });

  test("changes nothing for a fence that is not the newest, and tells the agent", async () => {
    const { rig, agent } = await taken(1);
    const [offer] = agent.held;
    const before = rig.space.sequence;
    await agent.finish([{ ...offer!, fence: offer!.fence - 1 }]);
    await agent.finish([{ ...offer!, task: "j1/0/9" }]);
    await agent.finish([{ ...offer!, task: "j9/0/0" }]);
    assert.equal(rig.space.sequence, before);
    assert.equal(rig.scheduler.leases().length, 1);
    assert.deepEqual(agent.cancels, [
      ["j1/0/0", offer!.fence - 1],
      ["j1/0/9", offer!.fence],
      ["j9/0/0", offer!.fence],
    ]);
  });

  test("changes nothing for another machine's lease", async () => {
    const { rig, agent } = await taken(1);
    const thief = rig.agent("m2");
    await thief.finish(agent.held);
    assert.equal(rig.status("j1/0").succeeded, 0);
    assert.deepEqual(thief.cancels, [["j1/0/0", agent.held[0]!.fence]]);
  });

  test("counts a report that is said twice once", async () => {
    const { rig, agent } = await taken(1);
    const [offer] = agent.held;
    await agent.finish([offer!, offer!]);
    await agent.finish([offer!]);
    assert.equal(rig.status("j1/0").succeeded, 1);
  });

  test("takes amounts that are no numbers for 0", async () => {
    const { rig, agent } = await taken(1);
    const usage = {
      ...report(agent.held[0]!).usage,
      wallMs: NaN,
      cpuMs: -5,
      readBytes: "7" as never,
    };
    await agent.finish(agent.held, { usage: { ...usage, memoryBytes: Infinity } });
    const { wallMs, cpuMs, readBytes, memoryByteSeconds } = rig.status("j1/0").usage;
    assert.deepEqual([wallMs, cpuMs, readBytes, memoryByteSeconds], [0, 0, 0, 0]);
  });

  test("waits while the disk is full, and goes on by itself", async () => {
    const log = new FullLog();
    const rig = await Rig.open((rig) => rig.step("j1/0", 1), { log });
    const agent = rig.agent("m1");
    await agent.pull();
    log.isFull = true;
    rig.step("j2/0", 1);
    await rig.clock.advance(0);
    let isDone = false;
    const acknowledged = agent.session.finish([report(agent.held[0]!)]).then(() => (isDone = true));
    await rig.clock.advance(3000);
    agent.beat();
    assert.equal(isDone, false);
    log.isFull = false;
    await rig.clock.advance(3000);
    await acknowledged;
    assert.equal(rig.status("j1/0").succeeded, 1);
  });
});

describe("a failed attempt", () => {
  test("is tried again after a rest that doubles, until the retries are used up", async () => {
    const { rig, agent } = await taken(1, { template: { retries: 3, retryMs: 1000 } });
    const rests: number[] = [];
    for (let failures = 1; failures <= 3; failures++) {
      const at = rig.clock.now();
      await agent.fail(`no ${failures}`);
      const task = rig.space.get("task", "j1/0/0")!;
      assert.equal(task.status.phase, "waiting");
      rests.push(task.status.notBefore! - at);
      await rig.clock.advance(task.status.notBefore! - rig.clock.now() - 1);
      agent.beat();
      assert.deepEqual(await agent.pull(), []);
      await rig.clock.advance(1);
      assert.equal(agent.held[0]!.attempt, failures + 1);
    }
    assert.deepEqual(rests, [1000, 2000, 4000]);
    await agent.fail("no 4");
    const { status } = (await rig.task("j1/0/0"))!;
    assert.equal(status.phase, "failed");
    assert.deepEqual(
      status.attempts!.map(({ error }) => error.message),
      ["no 1", "no 2", "no 3", "no 4"],
    );
    assert.equal(status.machine, "m1");
    const { failed, retried, usage } = rig.status("j1/0");
    assert.deepEqual([failed, retried, usage.attempts], [1, 3, 4]);
  });

  test("rests no longer than limits.retryMsMax, and an eighth", async () => {
    const { rig, agent } = await taken(1, { template: { retries: 20, retryMs: 40_000 } });
    await agent.fail();
    await rig.clock.advance(45_000);
    agent.beat();
    await agent.pull();
    await agent.fail();
    const restMs = rig.space.get("task", "j1/0/0")!.status.notBefore! - rig.clock.now();
    assert.ok(restMs <= limits.retryMsMax * 1.125, `${restMs}`);
  });

  test("of a durable job's own code is never tried again", async () => {
    const run = { driver: "runner", module: "m", function: "f", role: "job" } as const;
    const { rig, agent } = await taken(1, { template: { run, retries: 5 } });
    await agent.fail("my fault");
    assert.equal((await rig.task("j1/0/0"))!.status.phase, "failed");
  });

  test("goes before tasks that were never handed out, when its rest is over", async () => {
    const { rig, agent } = await taken(9);
    await agent.fail("no", [agent.held[0]!]);
    await rig.clock.advance(600);
    await agent.finish();
    assert.deepEqual(await agent.pull(), ["j1/0/0", "j1/0/2"]);
  });

  test("keeps its text within bounds", async () => {
    const { rig, agent } = await taken(1);
    const text = "x".repeat(limits.errorTextBytesMax * 2);
    await agent.finish(agent.held, { error: { reason: "threw", message: text, stack: text } });
    const { error } = rig.space.get("task", "j1/0/0")!.status.attempts![0]!;
    assert.equal(error.message.length, limits.errorTextBytesMax);
    assert.equal(error.stack!.length, limits.errorTextBytesMax);
  });

  test("that the machine called off by itself is a loss, and no failure", async () => {
    const { rig, agent } = await taken(1, { template: { retries: 0 } });
    await agent.finish(agent.held, { error: { reason: "cancelled", message: "stopping" } });
    assert.equal(rig.space.get("task", "j1/0/0")!.status.phase, "ready");
    assert.equal(rig.status("j1/0").lost, 1);
  });
});

describe("release()", () => {
  test("gives tasks back that are handed out again at once, with nothing charged", async () => {
    const { rig, agent } = await taken(1);
    const [offer] = agent.held;
    agent.session.release([["j1/0/0", offer!.fence - 1]]);
    assert.equal(rig.scheduler.leases().length, 1);
    agent.session.release([["j1/0/0", offer!.fence]]);
    const other = rig.agent("m2");
    await other.pull();
    assert.equal(other.held[0]!.attempt, 1);
    assert.ok(other.held[0]!.fence > offer!.fence);
    await agent.finish([offer!]);
    assert.equal(rig.status("j1/0").succeeded, 0);
  });
});

describe("a step that ends", () => {
  test("has its tasks under way cancelled at their agents, and nothing of it stays", async () => {
    const { rig, agent } = await taken(5);
    const claims = agent.holds();
    rig.cancel("j1");
    await rig.clock.advance(0);
    assert.deepEqual(agent.cancels, claims);
    assert.deepEqual(agent.forgotten, ["j1"]);
    assert.deepEqual(rig.scheduler.leases(), []);
    assert.equal(rig.scheduler.machines()[0]!.free.milliCpus, 2000);
    assert.deepEqual(await agent.pull(), []);
  });

  test("has one task cancelled when only that one is archived", async () => {
    const { rig, agent } = await taken(2);
    const [first] = agent.held;
    rig.commit((tx) => {
      const task = tx.get("task", "j1/0/0")!;
      tx.archive({ ...task, status: { ...task.status, phase: "cancelled" } });
    });
    await rig.clock.advance(0);
    assert.deepEqual(agent.cancels, [["j1/0/0", first!.fence]]);
  });

  test("is not handed out any more, even before that is on disk", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 5));
    const agent = rig.agent("m1");
    rig.cancel("j1");
    agent.session.pull(5);
    assert.equal(agent.held.length, 0);
  });

  test("that has not begun is handed out when that is on disk", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 2, { status: { phase: "blocked" } }));
    const agent = rig.agent("m1");
    assert.deepEqual(await agent.pull(), []);
    rig.setPhase("j1/0", "running");
    assert.equal(agent.held.length, 0);
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 2);
  });
});

function report({ task, fence }: TaskOffer): Parameters<FakeAgent["session"]["finish"]>[0][number] {
  const usage = {
    startedAt: 0,
    wallMs: 1,
    cpuMs: 1,
    memoryBytes: 0,
    readBytes: 0,
    writtenBytes: 0,
  };
  return { task, fence, usage, result: "1" };
}
