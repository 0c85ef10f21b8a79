import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stepOfTask } from "#/model/task.ts";
import { FakeAgent, Rig } from "./testing/rig.ts";
import { Ranks } from "./ranks.ts";

/** Two chains of unlike length, and a step by itself: j1/0 → j1/3, j1/1, j1/2 → j1/4 → j1/5. */
async function rigOf(): Promise<Rig> {
  const rig = await Rig.open();
  const after: [string, string[]][] = [
    ["j1/0", []],
    ["j1/1", []],
    ["j1/2", []],
    ["j1/3", ["j1/0"]],
    ["j1/4", ["j1/2"]],
    ["j1/5", ["j1/4"]],
  ];
  rig.job("j1");
  rig.commit((tx) => {
    const job = tx.get("job", "j1")!;
    tx.put({ ...job, status: { ...job.status, steps: after.length } });
  });
  for (const [name, before] of after) {
    const isReady = before.length === 0;
    rig.step(name, isReady ? 1 : 0, {
      spec: { after: before },
      status: { phase: isReady ? "running" : "blocked", closed: isReady, total: 1 },
    });
  }
  return rig;
}

describe("Ranks", () => {
  test("are the longest way from a step's start to the end of its job, by what is known of run times", async () => {
    const { space, scheduler } = await rigOf();
    const times = new Map([
      ["step0", 10],
      ["step3", 100],
      ["step2", 20],
    ]);
    const ranks = new Ranks(space, (_project, title) => times.get(title));
    const usual = 130 / 3;
    assert.equal(ranks.of("j1", "j1/0"), 110);
    assert.equal(ranks.of("j1", "j1/2"), 20 + 2 * usual);
    assert.equal(ranks.of("j1", "j1/1"), usual);
    scheduler.stop();
  });

  test("order the tasks of a job that are handed out", async () => {
    const rig = await rigOf();
    rig.machine("m1", { cpus: 8 });
    const agent = new FakeAgent(rig, "m1", []);
    await rig.clock.advance(0);
    agent.session.pull(8);
    await rig.clock.advance(10);
    const order = agent.held.map(({ task }) => stepOfTask(task));
    assert.deepEqual(order, ["j1/2", "j1/0", "j1/1"]);
    rig.scheduler.stop();
  });

  test("are the places that the plan of a job gives its steps, where it has an order of its own", async () => {
    const rig = await rigOf();
    rig.commit((tx) => {
      const job = tx.get("job", "j1")!;
      const order = ["step1", "step0"];
      tx.put({ ...job, spec: { ...job.spec, goal: { plan: "p1", objective: "time", order } } });
    });
    const ranks = new Ranks(rig.space, () => undefined);
    const found = ["j1/0", "j1/1", "j1/2"].map((step) => ranks.of("j1", step));
    assert.deepEqual(found, [1, 2, 0]);
    rig.scheduler.stop();
  });

  test("leave steps of which none waits for another in the order in which they came", async () => {
    const rig = await Rig.open();
    rig.machine("m1", { cpus: 8 });
    for (const name of ["j1/0", "j1/1", "j1/2"]) rig.step(name, 1);
    const agent = new FakeAgent(rig, "m1", []);
    agent.session.pull(8);
    await rig.clock.advance(10);
    const order = agent.held.map(({ task }) => stepOfTask(task));
    assert.deepEqual(order, ["j1/0", "j1/1", "j1/2"]);
    rig.scheduler.stop();
  });
});
