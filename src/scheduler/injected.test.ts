import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { TaskError } from "#/model/task.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

/** A task without retries that is under way, and a hit on it that was decided. */
async function struck(retries = 0): Promise<{ rig: Rig; agent: FakeAgent; fence: number }> {
  const rig = await Rig.open();
  rig.step("j1/0", 1, { template: { retries } });
  const agent = rig.agent("m1");
  await agent.pull();
  const { fence } = agent.held[0]!;
  const victim = { task: "j1/0/0", fence, since: rig.clock.now(), milliCpus: 1000 };
  rig.commit((tx) =>
    tx.put<"hit">({
      kind: "hit",
      project: "p",
      name: "p/g1/0",
      spec: {
        target: "task",
        subject: "j1/0/0",
        machine: "m1",
        at: rig.clock.now(),
        why: "",
        victims: [victim],
        victimCount: 1,
      },
      status: { phase: "open", lost: [], attemptsLost: 0, wastedCpuMs: 0 },
    }),
  );
  return { rig, agent, fence };
}

const injected = (hit: string): TaskError => ({ reason: "injected", message: "hit", hit });

describe("an attempt that a game day ended", () => {
  test("is charged to nobody: a task without retries rests, and runs again", async () => {
    const { rig, agent, fence } = await struck();
    await agent.finish(agent.held, { error: injected("p/g1/0") });
    const { status } = (await rig.task("j1/0/0"))!;
    assert.deepEqual([status.phase, status.fence], ["waiting", fence]);
    assert.deepEqual([status.attempts, status.lost], [undefined, undefined]);
    assert.deepEqual(await agent.pull(), []);
    await rig.clock.advance(1_000);
    assert.equal(agent.held[0]!.task, "j1/0/0");
    assert.equal(rig.status("j1/0").lost, 1);
  });

  test("keeps the failures that were charged before it", async () => {
    const { rig, agent } = await struck(2);
    await agent.finish(agent.held, { error: { reason: "threw", message: "no" } });
    await rig.clock.advance(1_000);
    await agent.pull();
    const { fence } = agent.held[0]!;
    rig.commit((tx) => {
      const hit = tx.get("hit", "p/g1/0")!;
      const victims = hit.spec.victims.map((victim) => ({ ...victim, fence }));
      tx.put({ ...hit, spec: { ...hit.spec, victims } });
    });
    await agent.finish(agent.held, { error: injected("p/g1/0") });
    const { status } = (await rig.task("j1/0/0"))!;
    assert.deepEqual([status.phase, status.attempts?.length], ["waiting", 1]);
  });

  test("still is so after a start of the control plane", async () => {
    const { rig, agent } = await struck();
    const holds = agent.holds();
    const offers = agent.held;
    const next = await rig.restart();
    const back = next.agent("m1", holds);
    await back.finish(offers, { error: injected("p/g1/0") });
    assert.equal((await next.task("j1/0/0"))!.status.lost, undefined);
    assert.equal((await next.task("j1/0/0"))!.status.phase, "waiting");
  });

  test("is a lost one when no game day decided to hit it, so that none can begin again for ever", async () => {
    const { rig, agent } = await struck();
    for (let lost = 1; lost < limits.lostMax; lost++) {
      await agent.finish(agent.held, { error: injected("p/g1/7") });
      assert.equal((await rig.task("j1/0/0"))!.status.lost, lost);
      await agent.pull();
    }
    await agent.finish(agent.held, { error: injected("p/g1/0") }); // another attempt's
    assert.equal((await rig.task("j1/0/0"))!.status.phase, "failed");
  });
});

describe("strike()", () => {
  test("tells the machine, or that it is not connected", async () => {
    const { rig, agent } = await struck();
    const fault = { kind: "agent", hit: "p/g1/0" } as const;
    assert.equal(rig.scheduler.strike("m1", fault), true);
    assert.deepEqual(agent.faults, [fault]);
    agent.session.close();
    assert.equal(rig.scheduler.strike("m1", fault), false);
    assert.equal(rig.scheduler.strike("m9", fault), false);
  });
});

describe("onHappening()", () => {
  test("tells of links as they come and go, and of what agents say of hits", async () => {
    const { rig, agent } = await struck();
    const told: string[] = [];
    rig.scheduler.onHappening({
      linked: (machine) => told.push(`linked ${machine}`),
      unlinked: (machine) => told.push(`unlinked ${machine}`),
      struck: (hit, wasThere) => told.push(`struck ${hit} ${wasThere}`),
    });
    agent.session.struck("p/g1/0", false);
    agent.session.close();
    agent.session.close();
    rig.agent("m1");
    assert.deepEqual(told, ["struck p/g1/0 false", "unlinked m1", "linked m1"]);
  });
});
