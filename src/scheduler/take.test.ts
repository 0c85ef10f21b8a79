import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { Rig } from "./testing/rig.ts";

const runTask = { driver: "runner", module: "m", function: "f", role: "task" } as const;

describe("pull()", () => {
  test("is answered at once when there is work, and with no more than has room", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 5));
    const agent = rig.agent("m1");
    agent.session.pull(10);
    assert.deepEqual(
      agent.held.map(({ task }) => task),
      ["j1/0/0", "j1/0/1"],
    );
    assert.deepEqual(await agent.pull(), []);
  });

  test("is answered with at most as many as it asks for", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 5));
    assert.deepEqual(await rig.agent("m1").pull(1), ["j1/0/0"]);
  });

  test("is answered with no more than a message holds, and goes on with the next", async () => {
    const input = () => JSON.stringify("x".repeat(limits.inlineBytesMax - 2));
    const rig = await Rig.open((rig) => {
      rig.machine("big", { cpus: 2000, memoryBytes: 2 ** 42 });
      rig.step("j1/0", 1000, { input });
    });
    const agent = rig.agent("big");
    const first = await agent.pull(1000);
    assert.ok(first.length * limits.inlineBytesMax <= limits.offerBytesMax + limits.inlineBytesMax);
    assert.ok((await agent.pull(1000)).length > 0);
  });

  test("counts what it tells of steps among what a message holds", async () => {
    const env = { text: "x".repeat(2 ** 20) };
    const run = { driver: "process" as const, command: ["true"], env, stdin: false };
    const rig = await Rig.open((rig) => {
      rig.machine("big", { cpus: 2000, memoryBytes: 2 ** 42 });
      for (let job = 0; job < 40; job++) rig.step(`j${job}/0`, 1, { template: { run } });
    });
    const agent = rig.agent("big");
    const first = await agent.pull(1000);
    const bytes = Object.values(agent.steps).reduce(
      (sum, told) => sum + JSON.stringify(told).length,
      0,
    );
    assert.ok(
      first.length > 1 && bytes < limits.offerBytesMax + 2 * env.text.length,
      String(bytes),
    );
    assert.ok((await agent.pull(1000)).length > 0);
  });

  test("stays open until there is work", async () => {
    const rig = await Rig.open();
    const agent = rig.agent("m1");
    assert.deepEqual(await agent.pull(), []);
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 1);
  });

  test("is closed by its answer", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1));
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 1);
    await rig.clock.advance(0);
    assert.equal(agent.offers.length, 1);
  });

  test("of 0 takes the open one back", async () => {
    const rig = await Rig.open();
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.pull(0);
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 0);
  });

  test("gives nothing that is not on disk", async () => {
    const rig = await Rig.open();
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j1/0", 1);
    assert.equal(agent.held.length, 0);
    agent.session.pull(1);
    assert.equal(agent.held.length, 0);
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 1);
  });

  test("gives the tasks of a step in order, with their input and a growing fence", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 2, { input: (index) => `["${index}"]` }));
    const agent = rig.agent("m1");
    await agent.pull();
    assert.deepEqual(
      agent.held.map(({ input }) => input),
      ['["0"]', '["1"]'],
    );
    assert.deepEqual(
      agent.held.map(({ attempt }) => attempt),
      [1, 1],
    );
    const [first, second] = agent.held;
    assert.ok(second!.fence > first!.fence);
    assert.equal(Math.floor(first!.fence / 2 ** 32), rig.space.epoch);
  });

  test("tells of each step once in a session", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 4));
    const agent = rig.agent("m1");
    await agent.pull();
    assert.equal(agent.steps["j1/0"]!.project, "p");
    agent.steps = {};
    await agent.finish();
    await agent.pull();
    assert.deepEqual(agent.steps, {});
    const next = rig.agent("m1", agent.holds());
    await agent.finish();
    await next.finish(agent.held);
    rig.step("j1/1", 1);
    await next.pull();
    assert.ok(next.steps["j1/1"]);
  });

  test("gives a job's own code the key to call back with, and no CPU", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 1, { template: { run: { ...runTask, role: "job" } } });
      rig.step("j2/0", 2);
    });
    const agent = rig.agent("m1");
    assert.equal((await agent.pull()).length, 3);
    assert.equal(agent.steps["j1/0"]!.jobKey, "key of j1");
    assert.equal(agent.steps["j2/0"]!.jobKey, undefined);
    assert.equal(rig.scheduler.machines()[0]!.free.milliCpus, 0);
  });

  test("gives a machine only so many tasks that hold no CPU", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { memoryBytes: 4 * limits.idleTaskMemoryBytes });
      rig.step("j1/0", 10, { needs: { milliCpus: 0 } });
    });
    assert.equal((await rig.agent("m1").pull()).length, 4);
  });

  test("gives nothing to a machine that lacks a label, a driver, CPUs or memory", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { drivers: ["runner"], labels: { zone: "a" } });
      rig.step("j1/0", 1, { needs: { labels: { zone: "b" } } });
      rig.step("j2/0", 1, {
        template: { run: { driver: "process", command: ["x"], env: {}, stdin: false } },
      });
      rig.step("j3/0", 1, { needs: { milliCpus: 3000 } });
      rig.step("j4/0", 1, { needs: { memoryBytes: 2 ** 40 } });
      rig.step("j5/0", 1, { needs: { labels: { zone: "a" } } });
    });
    assert.deepEqual(await rig.agent("m1").pull(), ["j5/0/0"]);
  });

  test("gives nothing to a machine that is cordoned, until it is not", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1));
    const cordon = (cordoned: boolean) =>
      rig.commit((tx) => {
        const machine = tx.get("machine", "m1")!;
        tx.put({ ...machine, spec: { ...machine.spec, cordoned } });
      });
    const agent = rig.agent("m1");
    cordon(true);
    assert.deepEqual(await agent.pull(), []);
    cordon(false);
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 1);
  });

  test("gives a machine that was bought for a job nothing else, and that one also when others come first", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 3);
      rig.step("j2/0", 3);
      rig.machine("m1");
      rig.commit((tx) => {
        const machine = tx.get("machine", "m1")!;
        tx.put({ ...machine, spec: { ...machine.spec, reservedFor: "j2" } });
      });
    });
    assert.deepEqual(await rig.agent("m1").pull(), ["j2/0/0", "j2/0/1"]);
  });

  test("gives a machine that a project has bought tasks of that project alone", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 3, { project: "p" });
      rig.step("j2/0", 1, { project: "q" });
      rig.machine("m1", { cpus: 8 });
      rig.commit((tx) => {
        const machine = tx.get("machine", "m1")!;
        tx.put({ ...machine, spec: { ...machine.spec, reservedForProject: "q" } });
      });
    });
    assert.deepEqual(await rig.agent("m1").pull(), ["j2/0/0"]);
    const [waits] = rig.scheduler.explainJob("j1");
    assert.match(
      JSON.stringify(waits),
      /was bought by the project 'q', and runs nothing of others/,
    );
    assert.deepEqual(rig.scheduler.waiting(), [{ step: "j1/0", tasks: 3 }]);
  });

  test("counts memory as well as CPUs", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8, memoryBytes: 1000 });
      rig.step("j1/0", 8, { needs: { memoryBytes: 400 } });
    });
    assert.equal((await rig.agent("m1").pull()).length, 2);
  });

  test("hands short tasks out ahead, more as more is known of them, and lasting ones not", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 500);
    });
    const agent = rig.agent("m1");
    const given: number[] = [];
    for (let round = 0; round < 6; round++) {
      given.push((await agent.pull()).length);
      await agent.finish(agent.held, {}, 1);
    }
    assert.deepEqual(given, [2, 4, 12, 36, 108, 200]); // 100 ms of work, in tasks of 1 ms, on 2 CPUs
    rig.step("j3/0", 500);
    rig.setPhase("j1/0", "cancelled");
    await agent.pull();
    await agent.finish(agent.held, {}, 100);
    assert.equal((await agent.pull()).length, 2);
  });

  test("knows steps of one title by what the others of their job took", async () => {
    const rig = await Rig.open((rig) => {
      for (let step = 0; step < 9; step++) rig.step(`j1/${step}`, 2, { spec: { title: "sort" } });
      rig.step("j1/9", 2, { spec: { title: "other" } });
    });
    const agent = rig.agent("m1");
    assert.equal((await agent.pull()).length, 2);
    await agent.finish(agent.held, {}, 1);
    assert.equal((await agent.pull()).length, 4);
    await agent.finish(agent.held, {}, 1);
    assert.equal((await agent.pull()).length, 14);
  });

  test("never hands out more than limits.pullTasksMax ahead", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 9000));
    const agent = rig.agent("m1");
    for (let round = 0; round < 12; round++) {
      await agent.pull(5000);
      assert.ok(agent.held.length <= limits.pullTasksMax);
      if (round < 11) await agent.finish(agent.held, {}, 0.01);
    }
    assert.equal(agent.held.length, limits.pullTasksMax);
    assert.deepEqual(await agent.pull(), []);
  });

  test("puts no short tasks behind lasting ones that fill the machine", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 100));
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.finish(agent.held, {}, 1);
    rig.step("j2/0", 2, { priority: 1 });
    await rig.clock.advance(0);
    await agent.pull();
    assert.deepEqual(
      agent.held.slice(0, 2).map(({ task }) => task),
      ["j2/0/0", "j2/0/1"],
    );
    assert.equal(agent.held.length, 2);
  });
});

describe("the line", () => {
  const order = async (rig: Rig, rounds: number, cpus = 1) => {
    rig.machine("m1", { cpus });
    const agent = rig.agent("m1");
    const taken: string[] = [];
    for (let round = 0; round < rounds; round++) {
      taken.push(...(await agent.pull()));
      await rig.clock.advance(1000);
      agent.beat();
      await agent.finish();
    }
    return taken;
  };

  test("serves higher priorities of a project first", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 2, { priority: 0 });
      rig.step("j2/0", 2, { priority: 7 });
      rig.step("j3/0", 1, { priority: -3 });
    });
    assert.deepEqual(await order(rig, 5), ["j2/0/0", "j2/0/1", "j1/0/0", "j1/0/1", "j3/0/0"]);
  });

  test("serves jobs of one priority in turn, and the steps of a job in the order they came", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 2);
      rig.step("j1/1", 1);
      rig.step("j2/0", 2);
      rig.step("j3/0", 1);
    });
    const taken = await order(rig, 6);
    assert.deepEqual(taken, ["j1/0/0", "j2/0/0", "j3/0/0", "j1/0/1", "j2/0/1", "j1/1/0"]);
  });

  test("serves jobs in turn over classes too", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 3);
      rig.step("j1/1", 3, { needs: { memoryBytes: 5 } });
      rig.step("j2/0", 3, { needs: { memoryBytes: 5 } });
    });
    const jobs = (await order(rig, 6)).map((task) => task.slice(0, 2));
    assert.deepEqual(jobs, ["j1", "j2", "j1", "j2", "j1", "j2"]);
  });

  test("keeps a machine free for a task that smaller ones keep passing by", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.step("j1/0", 300);
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 1, { needs: { milliCpus: 2000 }, priority: 5 });
    await rig.clock.advance(0);
    let rounds = 0;
    for (; rounds < 20 && !agent.held.some(({ task }) => task === "j2/0/0"); rounds++) {
      await rig.clock.advance(500);
      agent.beat();
      await agent.finish(agent.held.slice(0, 1), {}, 1000);
      await agent.pull();
    }
    assert.ok(rounds < 10, `it was passed by ${rounds} times`);
  });

  test("gives what is kept free for one task to any other that is like it", async () => {
    const rig = await Rig.open();
    const [agent, other] = [rig.agent("m1"), rig.agent("m2")];
    rig.step("j0/0", 2);
    await agent.pull();
    rig.step("j1/0", 2, { needs: { milliCpus: 2000 }, priority: 5 });
    rig.step("j2/0", 1, { needs: { milliCpus: 2000 }, priority: 5 });
    rig.step("j3/0", 300);
    await agent.finish(agent.held.slice(0, 1));
    await agent.pull();
    await rig.clock.advance(limits.passedOverMs);
    await agent.finish(agent.held.slice(0, 1));
    assert.deepEqual(
      await agent.pull(),
      [],
      "it is kept free for the first of those that need all of it",
    );
    assert.deepEqual(await other.pull(), ["j1/0/0"]);
    await agent.finish();
    assert.deepEqual(
      agent.held.map(({ task }) => task),
      ["j2/0/0"],
      "whose turn it is by now",
    );
  });
});
