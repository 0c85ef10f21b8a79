import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { QuotaSpec } from "#/model/quota.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const cpus = (count: number) => ({ milliCpus: count * 1000 });
const lab = (quota: number, borrow?: number): QuotaSpec => ({
  quota: cpus(quota),
  cohort: "lab",
  ...(borrow !== undefined && { borrow: cpus(borrow) }),
});
const ofJob = (tasks: readonly string[], job: string) =>
  tasks.filter((task) => task.startsWith(`${job}/`)).length;
const holds = (agent: FakeAgent, job: string, tasks: number, why = job) =>
  assert.equal(
    ofJob(
      agent.held.map(({ task }) => task),
      job,
    ),
    tasks,
    why,
  );
const sentences = (rig: Rig, job: string) =>
  rig.scheduler.explainJob(job).map(({ sentence }) => sentence);

describe("a quota", () => {
  test("bounds what a project has under way, and says so", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 5, { project: "a" });
    });
    const agent = rig.agent("m1");
    assert.equal((await agent.pull()).length, 2);
    assert.deepEqual(await agent.pull(), []);
    assert.deepEqual(sentences(rig, "j1").slice(1, 2), [
      "waits for quota: project a uses 2 of 2 CPUs and the task needs 1 CPU, until a task of that project ends",
    ]);
    await agent.finish([agent.held[0]!]);
    assert.equal(agent.held.length, 2, "another one follows, in the pull that is open");
  });

  test("bounds memory too, and what is not named is not limited", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8, memoryBytes: 8 * 2 ** 30 });
      rig.project("a", 1, { quota: { memoryBytes: 2 ** 30 } });
      rig.step("j1/0", 5, { project: "a", needs: { milliCpus: 100, memoryBytes: 2 ** 29 } });
    });
    assert.equal((await rig.agent("m1").pull()).length, 2);
    assert.match(sentences(rig, "j1")[1]!, /uses 1GiB of 1GiB of memory/);
  });

  test("hands nothing out ahead, however short tasks are", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 50, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    for (let round = 0; round < 5; round++) {
      await agent.finish(undefined, {}, 1);
      await agent.pull();
      assert.equal(agent.held.length, 2);
    }
  });

  test("counts what ends as it was counted when it began, whoever pays for the machine by then", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 2, { project: "a" });
    });
    const agent = rig.agent("m1");
    const pays = (reservedForProject: string | undefined) =>
      rig.commit((tx) => {
        const { spec, ...machine } = tx.get("machine", "m1")!;
        const { reservedForProject: _, ...shared } = spec;
        const paid = { ...shared, ...(reservedForProject !== undefined && { reservedForProject }) };
        tx.put<"machine">({ ...machine, spec: paid });
      });
    pays("a");
    await agent.pull();
    assert.equal(agent.held.length, 2);
    pays(undefined);
    await agent.finish();
    assert.equal(rig.scheduler.usedBy("a").milliCpus, 0);
  });

  test("counts nothing that runs on machines which the project or its job pays for, members of a gang among it", async () => {
    const rig = await Rig.open((rig) => {
      for (const name of ["shared", "fleet", "own"]) rig.machine(name, { cpus: 4 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 50, { project: "a" });
    });
    const bought = (name: string, of: object) =>
      rig.commit((tx) => {
        const machine = tx.get("machine", name)!;
        tx.put({ ...machine, spec: { ...machine.spec, ...of } });
      });
    bought("fleet", { reservedForProject: "a" });
    bought("own", { reservedFor: "j2" });
    const [shared, fleet, own] = ["shared", "fleet", "own"].map((name) => rig.agent(name));
    assert.equal((await shared!.pull()).length, 2);
    assert.equal((await fleet!.pull()).length, 4, "also when the quota is used up");
    assert.equal((await own!.pull()).length, 0, "it is for another job");
    rig.step("j2/0", 4, { project: "a", spec: { gang: {} } });
    await own!.pull();
    await rig.clock.advance(limits.gangLookMs);
    holds(own!, "j2", 4);
    await fleet!.finish();
    await rig.clock.advance(1000);
    assert.equal((await shared!.pull()).length, 0, "what ends there frees nothing of it");
    rig.project("a", 1, { quota: cpus(3) });
    await rig.clock.advance(0);
    holds(shared!, "j1", 3);
  });

  test("is not there for others: a project without one takes what the machines have", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 5, { project: "a" });
      rig.step("j2/0", 50, { project: "b" });
    });
    const taken = await rig.agent("m1").pull();
    assert.equal(ofJob(taken, "j1"), 2);
    assert.equal(ofJob(taken, "j2"), 6);
  });

  test("that is made larger lets more begin at once", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 9, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.pull();
    rig.project("a", 1, { quota: cpus(5) });
    await rig.clock.advance(0);
    assert.equal(agent.held.length, 5);
    rig.project("a", 1);
    await agent.pull();
    assert.equal(agent.held.length, 8);
  });

  test("that a task can never fit is said, with what to do", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, lab(2, 1));
      rig.project("b", 1, lab(4));
      rig.step("j1/0", 1, { project: "a", needs: cpus(4) });
    });
    await rig.agent("m1").pull();
    assert.deepEqual(rig.scheduler.explainJob("j1")[0], {
      subject: "j1/0",
      flip: "a quota of 4 CPUs or more, or tasks that ask for 3 CPUs or less",
      sentence:
        "it never fits the quota: the task needs 4 CPUs, and project a may use 3 CPUs at most",
      advice: "ask for less, or canopy project set a --quota AMOUNT",
    });
  });

  test("is known after a restart", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, { quota: cpus(2) });
      rig.step("j1/0", 5, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    const again = await rig.restart();
    const same = again.agent("m1", agent.holds());
    assert.deepEqual(await same.pull(), []);
    await same.finish([agent.held[0]!]);
    await same.pull();
    assert.equal(same.held.length, 1);
  });
});

describe("a cohort", () => {
  test("lends what is idle, up to what a project may borrow and to the sum of all quotas", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 32 });
      rig.project("a", 1, lab(4, 3));
      rig.project("b", 1, lab(4));
      rig.project("c", 1, lab(2));
      rig.step("j1/0", 50, { project: "a" });
    });
    const agent = rig.agent("m1");
    assert.equal((await agent.pull()).length, 7);
    assert.match(
      sentences(rig, "j1")[1]!,
      /^waits for quota: project a uses 7 of 4 CPUs, 3 CPUs more of cohort lab at most, and the task needs 1 CPU/,
    );
    rig.step("j3/0", 50, { project: "c" });
    await agent.pull();
    assert.equal(agent.held.length, 10, "the cohort uses all that it has");
    assert.match(
      sentences(rig, "j3")[1]!,
      /^waits for quota: project c uses 3 of 2 CPUs and cohort lab lends no more \(it uses 10 of 10 CPUs\), until a task of project a or c ends$/,
    );
  });

  test("gives what a project is entitled to before others borrow", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 100, lab(2));
      rig.project("b", 1, lab(6));
      rig.step("j1/0", 50, { project: "a" });
      rig.step("j2/0", 50, { project: "b" });
    });
    const taken = await rig.agent("m1").pull();
    assert.equal(ofJob(taken, "j1"), 2, "whatever its weight");
    assert.equal(ofJob(taken, "j2"), 6);
  });

  test("of nobody who lends leaves each with its own", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 16 });
      rig.project("a", 1, lab(2));
      rig.project("b", 1, { quota: cpus(4) });
      rig.step("j1/0", 50, { project: "a" });
    });
    assert.equal((await rig.agent("m1").pull()).length, 2);
  });
});

/** Lets time pass in small steps, with beats, and pulls that are always open. */
async function pass(rig: Rig, agents: FakeAgent[], durationMs: number): Promise<void> {
  for (let leftMs = durationMs; leftMs > 0; leftMs -= 200) {
    for (const agent of agents) await agent.pull();
    await rig.clock.advance(Math.min(200, leftMs));
    for (const agent of agents) agent.beat(agent.held);
  }
}

describe("what was lent", () => {
  test("is taken back from who borrows, at once while little is lost", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, lab(4));
      rig.project("b", 1, lab(4));
      rig.step("j1/0", 50, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    await agent.pull();
    holds(agent, "j1", 8);
    rig.step("j2/0", 3, { project: "b", needs: cpus(2) });
    await pass(rig, [agent], 1000);
    holds(agent, "j2", 2, "no more than its quota");
    holds(agent, "j1", 4, "which keeps its own");
    assert.equal(agent.cancels.length, 4);
  });

  test("is taken back from what lasts after limits.reclaimMs, from those that began last", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, lab(2));
      rig.project("b", 1, lab(6));
      rig.step("j1/0", 4, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    await pass(rig, [agent], 30_000);
    rig.step("j2/0", 4, { project: "a" });
    await agent.pull();
    await pass(rig, [agent], 30_000);
    rig.step("j3/0", 1, { project: "b", needs: cpus(3) });
    await agent.pull();
    await pass(rig, [agent], limits.reclaimMs - 1000);
    assert.equal(agent.cancels.length, 0);
    const reasons = sentences(rig, "j3");
    assert.match(
      reasons[0]!,
      /^waits for quota: project b uses 0 of 6 CPUs and cohort lab lends no more/,
    );
    assert.match(
      reasons[1]!,
      /^its quota is lent out: it takes the place of 3 of the tasks of a within 1/,
    );
    await pass(rig, [agent], 2000);
    assert.deepEqual(
      agent.cancels.map(([task]) => task.slice(0, 2)),
      ["j2", "j2", "j2"],
    );
    holds(agent, "j3", 1);
  });

  test("runs again, is charged no attempt, and says why it was stopped", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.project("a", 1, lab(1));
      rig.project("b", 1, lab(1));
      rig.step("j1/0", 2, { project: "a", template: { retries: 0 } });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 1, { project: "b" });
    await agent.pull();
    await pass(rig, [agent], 6000);
    const [stopped] = agent.cancels[0]!;
    const [why] = await rig.scheduler.explainTask(stopped);
    assert.match(
      why!.sentence,
      /^it was stopped on m1 after .*, as what it held was for step j2\/0 of project b/,
    );
    const late = agent.session.finish([
      { task: stopped, fence: agent.cancels[0]![1], usage: usageOf(1), result: "9" },
    ]);
    await rig.clock.advance(0);
    await late;
    assert.equal(rig.status("j1/0").succeeded, 0, "what comes from it later counts for nothing");
    await agent.finish(agent.held.filter(({ task }) => task.startsWith("j2")));
    await agent.pull();
    assert.equal(agent.held.find(({ task }) => task === stopped)?.attempt, 1);
    await agent.finish();
    assert.equal(rig.status("j1/0").succeeded, 2);
    assert.equal(
      rig.status("j1/0").failed + rig.status("j1/0").lost + rig.status("j1/0").retried,
      0,
    );
    assert.equal((await rig.task(stopped))?.status.preempted?.times, 1);
  });

  test("stays stopped after a restart: who claims to run it is told to end it", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.project("a", 1, lab(1));
      rig.project("b", 1, lab(1));
      rig.step("j1/0", 2, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    const before = agent.holds();
    rig.step("j2/0", 1, { project: "b" });
    await agent.pull();
    await pass(rig, [agent], 6000);
    const again = await rig.restart();
    const same = again.agent("m1", before);
    await again.clock.advance(0);
    assert.deepEqual(same.cancels, agent.cancels);
  });

  test("is not taken by a project that would itself borrow", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1, lab(4));
      rig.project("b", 1, lab(2));
      rig.project("c", 1, lab(2));
      rig.step("j1/0", 50, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 9, { project: "b" });
    await agent.pull();
    await pass(rig, [agent], 20_000);
    holds(agent, "j2", 2);
    holds(agent, "j1", 6);
  });
});

describe("a priority within a quota", () => {
  test("takes the place of what is lower in its own project", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 16 });
      rig.project("a", 1, { quota: cpus(4) });
      rig.step("j1/0", 8, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 1, { project: "a", priority: 5, needs: cpus(2) });
    await agent.pull();
    await pass(rig, [agent], 6000);
    holds(agent, "j2", 1);
    holds(agent, "j1", 2);
  });

  test("stops nothing of its own priority, of a project without a quota, or that would not be enough", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 6 });
      rig.project("a", 1, { quota: cpus(4) });
      rig.step("j1/0", 4, { project: "a" });
      rig.step("j2/0", 2, { project: "free" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j3/0", 1, { project: "a", needs: cpus(2) });
    rig.step("j4/0", 1, { project: "free", priority: 9 });
    rig.step("j5/0", 1, { project: "a", priority: 9, needs: cpus(5) });
    await agent.pull();
    await pass(rig, [agent], 20_000);
    assert.deepEqual(agent.cancels, []);
  });

  test("makes room on one machine, where the least work is lost", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 4 });
      rig.machine("m2", { cpus: 4 });
      rig.project("a", 1, { quota: cpus(100) });
      rig.step("j1/0", 4, { project: "a" });
    });
    const [one, two] = [rig.agent("m1"), rig.agent("m2")];
    await one.pull();
    await pass(rig, [one, two], 10_000);
    rig.step("j2/0", 4, { project: "a" });
    await two.pull();
    await pass(rig, [one, two], 1000);
    rig.step("j3/0", 1, { project: "a", priority: 1, needs: cpus(3) });
    await Promise.all([one.pull(), two.pull()]);
    await pass(rig, [one, two], 6000);
    assert.equal(one.cancels.length, 0);
    assert.equal(two.cancels.length, 3);
    assert.equal(two.held.filter(({ task }) => task.startsWith("j3")).length, 1);
  });

  test("has what becomes free kept for a task that smaller ones of its priority pass by", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 16 });
      rig.project("a", 1, { quota: cpus(4) });
      rig.step("j1/0", 1000, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 1, { project: "a", needs: cpus(4) });
    let rounds = 0;
    for (
      ;
      ofJob(
        agent.held.map(({ task }) => task),
        "j2",
      ) === 0 && rounds < 50;
      rounds++
    ) {
      await agent.pull();
      await rig.clock.advance(500);
      await agent.finish([agent.held[0]!]);
    }
    assert.ok(rounds < 20, `${rounds}`);
    assert.equal(agent.held.length, 1);
    await agent.finish();
    await agent.pull();
    assert.equal(agent.held.length, 4);
  });

  test("has it kept for whoever is next of its kind, as jobs take turns", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 16 });
      rig.project("a", 1, { quota: cpus(8) });
      rig.step("j1/0", 5000, { project: "a" });
    });
    const agent = rig.agent("m1");
    await agent.pull();
    rig.step("j2/0", 3, { project: "a", needs: cpus(6) });
    rig.step("j2/1", 5000, { project: "a" });
    rig.step("j3/0", 3, { project: "a", needs: cpus(6) });
    for (let round = 0; round < 400; round++) {
      await agent.pull();
      await rig.clock.advance(200);
      await agent.finish([agent.held[0]!]);
    }
    for (const step of ["j2/0", "j3/0"]) assert.equal(rig.status(step).succeeded, 3, step);
  });

  test("has it kept no longer when it is room that the task lacks", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.machine("m2", { cpus: 4 });
      rig.project("a", 1, { quota: cpus(4) });
      rig.step("j1/0", 1000, { project: "a" });
    });
    const [one, two] = [rig.agent("m1"), rig.agent("m2")];
    await one.pull();
    await two.pull();
    rig.step("j2/0", 1, { project: "a", needs: cpus(4) });
    two.session.close();
    for (let round = 0; round < 60; round++) {
      await one.pull();
      await rig.clock.advance(500);
      one.beat(one.held);
      await one.finish([one.held[0]!].filter((offer) => offer !== undefined));
    }
    assert.ok(rig.status("j1/0").succeeded > 30, `${rig.status("j1/0").succeeded}`);
  });
});

function usageOf(wallMs: number) {
  return { startedAt: 0, wallMs, cpuMs: wallMs, memoryBytes: 0, readBytes: 0, writtenBytes: 0 };
}
