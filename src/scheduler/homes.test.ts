import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { ProcessRun } from "#/model/task.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const run: ProcessRun = { driver: "process", command: ["sort"], env: {}, stdin: false };
const inputs = [{ path: "in", from: { step: "j1/0", output: "out" } }];
const MiB = 2 ** 20;

/** Two machines of two CPUs, each of which has made two files of so many bytes: "m1" those of the tasks 0 and 1. */
async function made(writtenBytes: number): Promise<{ rig: Rig; one: FakeAgent; other: FakeAgent }> {
  const rig = await Rig.open((rig) => rig.step("j1/0", 4, { template: { run } }));
  const [one, other] = [rig.agent("m1"), rig.agent("m2")];
  const usage = {
    startedAt: 0,
    wallMs: 60_000,
    cpuMs: 0,
    memoryBytes: 0,
    readBytes: 0,
    writtenBytes,
  };
  for (const agent of [one, other]) {
    await agent.pull();
    for (const offer of agent.held)
      await agent.finish([offer], { usage, outputs: { out: `key of ${offer.task}` } });
  }
  rig.setPhase("j1/0", "succeeded");
  rig.step("j1/1", 4, { template: { run, inputs } });
  await rig.clock.advance(0);
  return { rig, one, other };
}

describe("a task whose input is on a machine", () => {
  test("goes there first, whoever asks first", async () => {
    const { rig, one, other } = await made(120 * MiB);
    assert.deepEqual(await other.pull(), ["j1/1/2", "j1/1/3"]);
    assert.deepEqual(await one.pull(), ["j1/1/0", "j1/1/1"]);
    const [why] = await rig.scheduler.explainTask("j1/1/2");
    assert.match(why!.sentence, /its input of 120MiB is here/);
  });

  test("goes to another one when it has waited for as long as moving its input would take", async () => {
    const { rig, other } = await made(120 * MiB);
    await other.pull();
    await other.finish();
    assert.deepEqual(await other.pull(), []);
    const [first] = rig.scheduler.explainJob("j1").filter(({ machine }) => machine === "m2");
    assert.match(
      first!.sentence,
      /lacks the input of 120MiB that is on m1: that one is waited for, for 1.2s at most/,
    );
    const movedMs = (120 * MiB * 1000) / limits.movedBytesPerSecond;
    await rig.clock.advance(movedMs - 1);
    assert.deepEqual(other.held, []);
    await rig.clock.advance(1);
    assert.deepEqual(
      other.held.map(({ task }) => task),
      ["j1/1/0", "j1/1/1"],
    );
    const [why] = await rig.scheduler.explainTask("j1/1/0");
    assert.match(why!.sentence, /its input of 120MiB was on m1, which took no task of it in time/);
  });

  test("does not wait for one that takes no tasks", async () => {
    for (const leaves of [
      (rig: Rig) =>
        rig.commit((tx) => {
          const machine = tx.get("machine", "m1")!;
          tx.put({ ...machine, spec: { ...machine.spec, cordoned: true } });
        }),
      (_rig: Rig, one: FakeAgent) => one.session.close(),
    ]) {
      const { rig, one, other } = await made(120 * MiB);
      await other.pull();
      await other.finish();
      leaves(rig, one);
      await rig.clock.advance(0);
      await other.pull();
      assert.deepEqual(
        other.held.map(({ task }) => task),
        ["j1/1/0", "j1/1/1"],
      );
    }
  });

  test("keeps nothing else from a machine while it waits for another one", async () => {
    const { rig, other } = await made(120 * MiB);
    await other.pull();
    await other.finish();
    rig.step("j1/2", 1, { template: { run, inputs } });
    rig.step("j2/0", 1, { template: { run } });
    await rig.clock.advance(0);
    assert.deepEqual(await other.pull(), ["j2/0/0"]);
  });

  test("of a few bytes waits no longer than moving those would take", async () => {
    const { rig, other } = await made(100);
    await other.pull();
    await other.finish();
    await other.pull();
    await rig.clock.advance(1);
    assert.equal(other.held.length, 2);
  });
});
