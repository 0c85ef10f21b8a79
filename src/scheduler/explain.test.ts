import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Needs } from "#/model/needs.ts";
import { pool } from "./testing/pool.ts";
import { Rig } from "./testing/rig.ts";

const sentences = (rig: Rig, job = "j1") =>
  rig.scheduler.explainJob(job).map(({ sentence }) => sentence);

describe("explainJob()", () => {
  test("says that no machine has joined", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1));
    assert.deepEqual(rig.scheduler.explainJob("j1"), [
      { subject: "j1/0", sentence: "no machine has joined", advice: "canopy join" },
    ]);
  });

  test("says of each machine all that it lacks, and what to do", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { drivers: ["process"] });
      rig.machine("m2", { labels: { zone: "b" } });
      rig.step("j1/0", 1, {
        needs: { milliCpus: 64_000, memoryBytes: 8 * 2 ** 30, labels: { zone: "a" } },
      });
    });
    rig.agent("m1");
    rig.agent("m2");
    const found = rig.scheduler.explainJob("j1");
    assert.deepEqual(
      found.map(({ machine }) => machine),
      ["m1", "m1", "m1", "m1", "m2", "m2", "m2"],
    );
    assert.deepEqual(
      found.map(({ sentence }) => sentence),
      [
        "m1 has no driver 'runner' (it has process)",
        "m1 has no label zone and the task needs zone=a",
        "m1 has 2 CPUs and the task needs 64 CPUs",
        "m1 has 4GiB of memory and the task needs 8GiB",
        "m2 is labelled zone=b and the task needs zone=a",
        "m2 has 2 CPUs and the task needs 64 CPUs",
        "m2 has 4GiB of memory and the task needs 8GiB",
      ],
    );
    assert.ok(found.every(({ advice }) => advice?.includes("canopy join")));
  });

  test("says what runs where, and that there is no room for more", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 3));
    const agent = rig.agent("m1");
    await agent.pull();
    assert.deepEqual(sentences(rig), [
      "2 tasks under way on m1",
      "m1 has 0 of 2 CPUs free and the task needs 1 CPU: it runs 2 tasks",
    ]);
  });

  test("says that a machine is cordoned, away, or silent", async () => {
    const rig = await Rig.open((rig) => {
      for (const name of ["m1", "m2", "m3", "m4"]) rig.machine(name);
    });
    rig.agent("m1");
    rig.agent("m2").session.close();
    rig.agent("m3");
    rig.commit((tx) => {
      const machine = tx.get("machine", "m1")!;
      tx.put({ ...machine, spec: { ...machine.spec, cordoned: true } });
    });
    await rig.clock.advance(12_000);
    rig.agent("m1");
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    assert.deepEqual(sentences(rig), [
      "m1 is cordoned: it takes no new tasks",
      "m2 is not connected; it was last heard 12s ago",
      "m3 has not been heard for 12s",
      "m4 has not connected since this cloud started",
    ]);
  });

  test("says that a machine was bought for another job", async () => {
    const rig = await Rig.open((rig) => rig.machine("m1"));
    rig.agent("m1");
    rig.job("j2");
    rig.job("j3", { project: "other" });
    const reserve = (reservedFor: string) =>
      rig.commit((tx) => {
        const machine = tx.get("machine", "m1")!;
        tx.put({ ...machine, spec: { ...machine.spec, reservedFor } });
      });
    reserve("j2");
    rig.step("j1/0", 1);
    await rig.clock.advance(0);
    assert.deepEqual(sentences(rig), ["m1 was bought for the job j2, and runs nothing else"]);
    reserve("j3");
    await rig.clock.advance(0);
    assert.deepEqual(sentences(rig), [
      "m1 was bought for a job of another project, and runs nothing else",
    ]);
  });

  test("says which steps a step waits for", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 3);
      rig.step("j1/1", 0, { spec: { after: ["j1/0"] }, status: { phase: "blocked" } });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.finish([agent.held[0]!]);
    await agent.pull();
    await agent.finish();
    await agent.pull();
    assert.deepEqual(sentences(rig), [
      "step 'step1' begins when 'step0' (3 of 3 done) has succeeded",
    ]);
  });

  test("says that tasks rest after a failed attempt", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1));
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.fail();
    assert.deepEqual(sentences(rig), [
      "1 task of step 'step0' rests after a failed attempt and will be tried again",
    ]);
  });

  test("says who goes first: a higher priority, or a project that has used less", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 50, { project: "p" });
      rig.step("j2/0", 50, { project: "p", priority: 9 });
      rig.step("j3/0", 50, { project: "q" });
      rig.machine("m1", { cpus: 3 });
    });
    await rig.agent("m1").pull();
    const found = sentences(rig);
    assert.equal(
      found[0],
      "49 tasks of this project go first: their priority is up to 9, and this job's is 0",
    );
    assert.match(
      sentences(rig, "j3")[1]!,
      /^project p is served first: this project has used .* of CPU more than its share$/,
    );
  });

  test("says that it waits for machines to be heard after a start", async () => {
    const before = await Rig.open((rig) => {
      rig.machine("m1");
      rig.step("j1/0", 2);
    });
    const rig = await before.restart();
    assert.match(
      sentences(rig)[0]!,
      /^this cloud has just started: 2 tasks from before may still run on m1/,
    );
  });

  test("says that a step waits for more tasks, and a job for more steps", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 0, { status: { closed: false } });
      rig.job("j2");
    });
    rig.commit((tx) => {
      const job = tx.get("job", "j2")!;
      tx.put({ ...job, status: { ...job.status, open: true } });
    });
    assert.deepEqual(sentences(rig), [
      "step 'step0' waits for more tasks: who made it has not closed it",
    ]);
    assert.deepEqual(sentences(rig, "j2"), ["the job is open and waits for more steps"]);
    assert.deepEqual(sentences(rig, "j9"), []);
  });

  test("counts what it does not list", async () => {
    const rig = await Rig.open((rig) => {
      rig.step("j1/0", 1);
      for (let step = 1; step <= 30; step++) {
        rig.step(`j1/${step}`, 0, { spec: { after: ["j1/0"] }, status: { phase: "blocked" } });
      }
    });
    await rig.agent("m1").pull();
    const found = sentences(rig);
    assert.equal(found.length, 7);
    assert.equal(found.at(-1), "25 more steps wait for steps before them");
  });
});

describe("explainTask()", () => {
  const explain = async (rig: Rig, name: string, not?: string) => {
    const explanations = rig.scheduler.explainTask(name, not === undefined ? {} : { not });
    explanations.catch(() => {});
    await rig.clock.advance(0);
    return (await explanations).map(({ sentence }) => sentence);
  };

  test("says why a task runs where it does, and why not elsewhere", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m2");
      rig.machine("m3", { cpus: 0.5 });
      rig.step("j1/0", 1);
    });
    await rig.agent("m1").pull();
    rig.agent("m2");
    rig.agent("m3");
    await rig.clock.advance(3000);
    assert.deepEqual(await explain(rig, "j1/0/0"), [
      "attempt 1 is with m1 for 3.0s: that machine asked for work when the task was next in line, and has the driver 'runner', 1 CPU for it",
    ]);
    assert.deepEqual(await explain(rig, "j1/0/0", "m1"), ["m1 is where it runs"]);
    assert.deepEqual(await explain(rig, "j1/0/0", "m2"), [
      "m2 has room, and has not asked for more work yet",
    ]);
    assert.deepEqual(await explain(rig, "j1/0/0", "m3"), [
      "m3 has 0.5 CPUs and the task needs 1 CPU",
    ]);
    await assert.rejects(explain(rig, "j1/0/0", "m9"), { code: "not-found" });
  });

  test("says how a task ended", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 2, { template: { retries: 0 } }));
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.finish(agent.held.slice(0, 1));
    await agent.fail("out of luck");
    assert.deepEqual(await explain(rig, "j1/0/0"), ["it succeeded on m1, in 1.0s"]);
    assert.deepEqual(await explain(rig, "j1/0/1"), [
      "it failed 1 time, the last on m1: out of luck",
    ]);
    await assert.rejects(explain(rig, "j1/0/9"), { code: "not-found" });
  });

  test("says how long a task rests, and after what", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1, { template: { retryMs: 8000 } }));
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.fail("bad luck");
    assert.deepEqual(await explain(rig, "j1/0/0"), [
      "1 attempt failed, the last on m1: bad luck; it is tried again in 8.0s",
    ]);
  });
});

describe("fit()", () => {
  /** Whether a step of a job could run that needs that. */
  const fit = (
    rig: Rig,
    needs: Partial<Needs>,
    driver: "runner" | "process" = "runner",
    more = {},
  ) => {
    const run =
      driver === "process" ? { driver, command: ["true"], env: {}, stdin: false } : undefined;
    const name = `j${rig.space.count("job") + 1}/0`;
    rig.step(name, 0, { needs, template: run ? { run } : {}, ...more });
    return rig.scheduler.fit(rig.stepRecord(name));
  };

  test("finds nothing wrong with what some machine could run, or when none has joined yet", async () => {
    const rig = await Rig.open();
    assert.equal(fit(rig, { milliCpus: 64_000 }), undefined);
    rig.machine("m1", { cpus: 2 });
    rig.machine("m2", { cpus: 64 });
    assert.equal(fit(rig, { milliCpus: 64_000 }), undefined);
  });

  test("names the machine that comes nearest, and what it lacks", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.machine("m2", { cpus: 8 });
      rig.machine("m3", { cpus: 64, drivers: ["process"] });
    });
    assert.deepEqual(fit(rig, { milliCpus: 64_000 }), {
      nearest: "m2",
      sentence: "the nearest of 3 machines, m2, has 8 CPUs and the task needs 64 CPUs",
    });
    assert.equal(fit(rig, { milliCpus: 64_000 }, "process"), undefined);
    assert.equal(fit(rig, { labels: { gpu: "yes" } })!.nearest, "m1");
  });

  test("says how much of a gang there could be at once", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.machine("m2", { cpus: 3 });
      rig.machine("m3", { cpus: 64, drivers: ["process"] });
    });
    const gang = (total: number, minimum?: number) =>
      fit(rig, {}, "runner", { spec: { gang: minimum ? { minimum } : {} }, status: { total } });
    assert.equal(gang(5), undefined);
    assert.equal(gang(6, 5), undefined);
    assert.equal(
      gang(6)!.sentence,
      "6 of its tasks run at once or not at all, and all 3 machines together have places for 5",
    );
  });
});

describe("explainMachine()", () => {
  const told = (rig: Rig, machine: string, project?: string) =>
    JSON.stringify(rig.scheduler.explainMachine(machine, (of) => !project || of === project));

  test("names no gang of other projects for which places are kept", async () => {
    const rig = await Rig.open();
    const [m0] = await pool(rig, 1);
    rig.agent("m1"); // asks for no work
    rig.step("j1/0", 4, { spec: { gang: {} } });
    await rig.clock.advance(0);
    rig.step("j2/0", 500, { project: "other", priority: 5 });
    await rig.clock.advance(0);
    assert.match(told(rig, m0!.name), /kept for j1\/0, whose/);
    const others = [told(rig, m0!.name, "other"), JSON.stringify(rig.scheduler.explainJob("j2"))];
    for (const text of others) {
      assert.match(text, /kept for a gang of another project, whose/);
      assert.doesNotMatch(text, /j1/);
    }
  });

  test("names no larger task of other projects for which it is kept free", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1");
      rig.step("j1/0", 300);
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 1, { project: "other", needs: { milliCpus: 2000 } });
    for (let round = 0; !told(rig, "m1").includes("is kept free"); round++) {
      assert.ok(round < 20);
      await rig.clock.advance(500);
      agent.beat();
      await agent.finish(agent.held.slice(0, 1), {}, 1000);
      await agent.pull();
    }
    assert.match(told(rig, "m1"), /a larger task of j2\/0 that/);
    assert.match(told(rig, "m1", "p"), /a larger task of another project that/);
    assert.doesNotMatch(told(rig, "m1", "p"), /j2/);
  });
});
