import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const map = { driver: "runner", module: "m", function: "f", role: "map" } as const;
const reduce = { driver: "runner", module: "m", function: "f", role: "reduce" } as const;
const partitions = 3;

/** A map step of 2 tasks, done by m1 and m2, and its reduce step, running. */
async function mapped() {
  const rig = await Rig.open((rig) => {
    rig.machine("m1", { cpus: 1, peerUrl: "http://m1" });
    rig.machine("m2", { cpus: 1 });
    rig.step("j1/0", 2, { template: { run: map }, spec: { shuffle: { role: "map", partitions } } });
  });
  const first = rig.agent("m1");
  const second = rig.agent("m2");
  await first.pull();
  await second.pull();
  await first.finish(first.held, { result: "null", shuffleBytes: [10, 0, 5] });
  await second.finish(second.held, { result: "null", shuffleBytes: [7, 7, 0] });
  rig.setPhase("j1/0", "succeeded");
  rig.step("j1/1", partitions, {
    template: { run: reduce },
    spec: { after: ["j1/0"], shuffle: { role: "reduce", from: "j1/0" } },
  });
  await rig.clock.advance(0);
  return { rig, first, second };
}

const lost = (agent: FakeAgent, lostTasks: string[]) =>
  agent.finish(agent.held, { error: { reason: "shuffle-lost", message: "gone", lostTasks } });

describe("a reduce task", () => {
  test("is told where the segments of its partition are, and of none that are empty", async () => {
    const { first, second } = await mapped();
    const segments = [];
    for (const agent of [first, second, first]) {
      await agent.pull();
      segments.push(agent.held[0]!.segments);
      await agent.finish();
    }
    const m1 = { machine: "m1", peerUrl: "http://m1" };
    assert.deepEqual(segments, [
      [
        { ...m1, segments: ["j1/0/0/0"] },
        { machine: "m2", segments: ["j1/0/1/0"] },
      ],
      [{ machine: "m2", segments: ["j1/0/1/1"] }],
      [{ ...m1, segments: ["j1/0/0/2"] }],
    ]);
  });

  test("that finds its input gone has those map tasks run again, and waits for them", async () => {
    const { rig, first, second } = await mapped();
    await first.pull();
    await lost(first, ["j1/0/1", "j9/0/0"]);
    const { succeeded, phase, lost: lostTasks } = rig.status("j1/0");
    assert.deepEqual([succeeded, phase, lostTasks], [1, "running", 1]);
    assert.equal(rig.status("j1/1").retried, 0);
    assert.equal(rig.space.get("task", "j1/1/0")!.status.attempts, undefined);
    assert.deepEqual(await first.pull(), ["j1/0/1"]);
    assert.deepEqual(await second.pull(), [], "no reduce task before all output is there again");
    await first.finish(first.held, { shuffleBytes: [1, 1, 1] });
    rig.setPhase("j1/0", "succeeded");
    await rig.clock.advance(0);
    assert.equal(second.held[0]!.task, "j1/1/0");
    assert.deepEqual(second.held[0]!.segments, [
      { machine: "m1", peerUrl: "http://m1", segments: ["j1/0/0/0", "j1/0/1/0"] },
    ]);
    await second.finish();
    assert.equal(rig.status("j1/1").succeeded, 1);
  });

  test("that says what another one has said before has nothing run again", async () => {
    const { rig, first, second } = await mapped();
    await first.pull();
    await second.pull();
    await lost(first, ["j1/0/1"]);
    assert.deepEqual(await first.pull(), ["j1/0/1"]);
    await first.finish(first.held, { shuffleBytes: [1, 1, 1] });
    rig.setPhase("j1/0", "succeeded");
    await rig.clock.advance(0);
    await lost(second, ["j1/0/1"]);
    assert.deepEqual([rig.status("j1/0").succeeded, rig.status("j1/0").phase], [2, "succeeded"]);
    const held = [...(await first.pull()), ...(await second.pull())].sort();
    assert.deepEqual(held, ["j1/1/0", "j1/1/1"]);
  });

  test("that finds its input gone again and again is given up", async () => {
    const { rig, first } = await mapped();
    for (let loss = 1; loss <= limits.lostMax; loss++) {
      await first.pull();
      assert.equal(first.held[0]!.task, "j1/1/0");
      await lost(first, ["j1/0/0"]);
      await first.pull();
      await first.finish(
        first.held.filter(({ task }) => task === "j1/0/0"),
        { shuffleBytes: [1, 1, 1] },
      );
      rig.setPhase("j1/0", "succeeded");
      await rig.clock.advance(0);
      if (first.held.length > 0) first.session.release(first.holds());
      first.held = [];
    }
    const { status } = (await rig.task("j1/1/0"))!;
    assert.equal(status.phase, "failed");
    assert.equal(status.attempts!.at(-1)!.error.reason, "shuffle-lost");
  });

  test("goes on after a restart", async () => {
    const before = await mapped();
    const rig = await before.rig.restart();
    const agent = rig.agent("m1");
    rig.agent("m2");
    await agent.pull();
    await rig.clock.advance(0);
    assert.equal(agent.held[0]!.segments!.length, 2);
  });
});
