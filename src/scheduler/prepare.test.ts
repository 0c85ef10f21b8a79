import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ProcessRun } from "#/model/task.ts";
import { Rig } from "./testing/rig.ts";

const process: ProcessRun = { driver: "process", command: ["sort"], env: {}, stdin: false };

describe("files of a step before", () => {
  const from = (step: string) => ({
    inputs: [{ path: "in.txt", from: { step, output: "out.txt" } }],
  });

  async function made(tasks: number) {
    const rig = await Rig.open((rig) => rig.step("j1/0", tasks));
    const agent = rig.agent("m1");
    while (rig.status("j1/0").succeeded < tasks) {
      await agent.pull();
      for (const offer of agent.held) {
        await agent.finish([offer], { outputs: { "out.txt": `key of ${offer.task}` } });
      }
    }
    rig.setPhase("j1/0", "succeeded");
    return { rig, agent };
  }

  test("are those of the task of the same index", async () => {
    const { rig, agent } = await made(3);
    rig.step("j1/1", 3, { template: from("j1/0") });
    await rig.clock.advance(0);
    await agent.pull();
    assert.deepEqual(
      agent.held.map(({ files }) => files),
      [{ "in.txt": "key of j1/0/0" }, { "in.txt": "key of j1/0/1" }],
    );
  });

  test("are those of its only task, when it has one", async () => {
    const { rig, agent } = await made(1);
    rig.step("j1/1", 2, { template: from("j1/0") });
    await rig.clock.advance(0);
    await agent.pull();
    assert.deepEqual(
      agent.held.map(({ files }) => files),
      [{ "in.txt": "key of j1/0/0" }, { "in.txt": "key of j1/0/0" }],
    );
  });

  test("that do not exist are left out, for the agent to say so", async () => {
    const { rig, agent } = await made(1);
    rig.step("j1/1", 1, { template: from("j1/7") });
    await rig.clock.advance(0);
    await agent.pull();
    assert.equal(agent.held[0]!.files, undefined);
  });

  test("are looked up again for a task that is tried again", async () => {
    const { rig, agent } = await made(1);
    rig.step("j1/1", 1, { template: { ...from("j1/0"), retryMs: 100 } });
    await rig.clock.advance(0);
    await agent.pull();
    await agent.fail();
    await rig.clock.advance(200);
    await agent.pull();
    assert.deepEqual(agent.held[0]!.files, { "in.txt": "key of j1/0/0" });
  });
});

describe("reuse", () => {
  const reuse = { run: process, reuse: true, outputs: [{ path: "o", optional: false }] };

  async function ranOnce(more: Parameters<Rig["step"]>[2] = {}) {
    const rig = await Rig.open((rig) =>
      rig.step("j1/0", 2, { template: { ...reuse, ...more.template } }),
    );
    const agent = rig.agent("m1");
    await agent.pull();
    for (const offer of agent.held) {
      await agent.finish([offer], {
        result: `"${offer.task}"`,
        outputs: { o: `key ${offer.input}` },
      });
    }
    assert.equal(rig.status("j1/0").succeeded, 2);
    return { rig, agent };
  }

  test("ends a task of equal content at once with the earlier result", async () => {
    const { rig, agent } = await ranOnce();
    rig.step("j2/0", 3, { template: reuse });
    await rig.clock.advance(0);
    assert.deepEqual(await agent.pull(), ["j2/0/2"]);
    const { succeeded, reused, usage } = rig.status("j2/0");
    assert.deepEqual([succeeded, reused, usage.attempts], [2, 2, 0]);
    const { status } = (await rig.task("j2/0/1"))!;
    assert.deepEqual(
      [status.result, status.outputs, status.reused],
      ['"j1/0/1"', { o: "key [1]" }, true],
    );
  });

  test("is off unless asked for, on both sides", async () => {
    const { rig, agent } = await ranOnce({ template: { reuse: false } });
    rig.step("j2/0", 2, { template: reuse });
    await rig.clock.advance(0);
    assert.equal((await agent.pull()).length, 2);
    await agent.finish();
    rig.step("j3/0", 2, { template: { ...reuse, reuse: false } });
    await rig.clock.advance(0);
    assert.equal((await agent.pull()).length, 2);
  });

  test("needs the same program, and the same project", async () => {
    const { rig, agent } = await ranOnce();
    rig.step("j2/0", 1, { template: { ...reuse, run: { ...process, command: ["uniq"] } } });
    rig.step("j3/0", 1, { project: "other", template: reuse });
    await rig.clock.advance(0);
    assert.deepEqual((await agent.pull()).sort(), ["j2/0/0", "j3/0/0"]);
  });

  test("goes over failed attempts: only successes are reused", async () => {
    const rig = await Rig.open((rig) =>
      rig.step("j1/0", 1, { template: { ...reuse, retries: 0 } }),
    );
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.fail();
    rig.step("j2/0", 1, { template: reuse });
    await rig.clock.advance(0);
    assert.deepEqual(await agent.pull(), ["j2/0/0"]);
  });

  test("leaves alone what a machine was found to run after a restart", async () => {
    const before = await Rig.open((rig) => {
      rig.step("j1/0", 1, { template: reuse });
      rig.step("j2/0", 1, { template: reuse });
    });
    const earlier = before.agent("m1");
    await earlier.pull();
    const [one, two] = earlier.held;
    assert.ok(one && two);
    await earlier.finish([one]);
    const rig = await before.restart();
    const agent = rig.agent("m1", [[two.task, two.fence]]);
    await agent.pull();
    await agent.finish([two]);
    const step = two.task.slice(0, -2);
    const { succeeded, reused } = rig.status(step);
    assert.deepEqual([succeeded, reused], [1, 0]);
    assert.deepEqual(agent.cancels, []);
  });

  test("works for more tasks than are looked up at once", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 64 });
      rig.step("j1/0", 1000, { template: reuse, input: (index) => `[${index % 50}]` });
    });
    const agent = rig.agent("m1");
    for (let round = 0; round < 100 && rig.status("j1/0").succeeded < 1000; round++) {
      await agent.pull();
      await agent.finish(agent.held, {}, 200);
    }
    assert.equal(rig.status("j1/0").succeeded, 1000);
    assert.ok(rig.status("j1/0").reused > 300);
  });
});
