import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasStepEnded } from "#/model/step.ts";
import type { TaskClaim, TaskOffer } from "#/model/wire.ts";
import type { LeaseView } from "./session.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

/*
 * A small cloud under any order of events: tasks arrive, machines pull, finish, fail, fall silent,
 * come back, and the whole scheduler starts again. What must hold does so after every step. The
 * checks keep books of their own: they read what agents were told, and records; never the board.
 */

const machines = ["m1", "m2", "m3"];
const steps = ["j1/0", "j2/0", "j3/0"];

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pull" as const),
      machine: fc.nat(2),
      max: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("finish" as const),
      machine: fc.nat(2),
      count: fc.integer({ min: 1, max: 6 }),
      wallMs: fc.constantFrom(0.1, 5, 3000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), machine: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), machine: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("stale" as const), machine: fc.nat(2), pick: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("vanish" as const), machine: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reconnect" as const),
      machine: fc.nat(2),
      forgets: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      forMs: fc.constantFrom(10, 700, 3000, 12_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("copy" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hung" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), step: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

class World {
  rig!: Rig;
  agents: FakeAgent[] = [];
  silent = new Set<number>();
  /** Their session is one of the scheduler before the last start. */
  offline = new Set<number>();
  /** Every claim that was ever handed out, by its fence. */
  given = new Map<number, { task: string; machine: number }>();
  over: TaskOffer[] = [];
  copies = 0;

  async open(tasks: number): Promise<void> {
    this.rig = await Rig.open((rig) => {
      machines.forEach((name, index) => rig.machine(name, { cpus: index + 1 }));
      steps.forEach((step, index) =>
        rig.step(step, tasks, {
          project: index === 2 ? "q" : "p",
          priority: index === 1 ? 1 : 0,
          needs: { milliCpus: index === 2 ? 2000 : 500 },
          template: { retries: 1, retryMs: 500 },
        }),
      );
    });
    this.agents = machines.map((name) => this.rig.agent(name));
  }

  async apply(action: Action): Promise<void> {
    const index = "machine" in action ? action.machine : 0;
    const agent = this.offline.has(index) ? undefined : this.agents[index];
    switch (action.do) {
      case "pull":
        await agent?.pull(action.max);
        break;
      case "finish":
        if (agent) await this.finish(agent, agent.held.slice(0, action.count), action.wallMs);
        break;
      case "fail":
        if (agent && agent.held.length > 0) await agent.fail("no", agent.held.slice(0, 1));
        break;
      case "release":
        if (!agent) break;
        agent.session.release(agent.holds().slice(-1));
        this.over.push(...agent.held.slice(-1));
        agent.held = agent.held.slice(0, -1);
        break;
      case "stale":
        await this.sayStale(index, action.pick);
        break;
      case "vanish":
        this.silent.add(index);
        break;
      case "reconnect": {
        this.silent.delete(index);
        const { held } = this.agents[index]!;
        if (action.forgets) this.over.push(...held);
        this.connect(index, action.forgets ? [] : held);
        break;
      }
      case "wait":
        for (let waitedMs = 0; waitedMs < action.forMs; waitedMs += 1000) {
          this.beat();
          await this.rig.clock.advance(Math.min(1000, action.forMs - waitedMs));
        }
        break;
      case "copy":
        for (const [at, one] of this.agents.entries())
          for (let turn = 0; turn < 2 && !this.offline.has(at); turn++) await one.pull(8);
        this.copy(action.pick);
        break;
      case "hung": {
        const lease = this.pick(action.pick);
        if (!lease) break;
        const error = { reason: "hung", message: "too long" } as const;
        assert.ok(this.rig.scheduler.endAttempt(lease, error, () => {}));
        this.setOver(lease.fence);
        break;
      }
      case "cancel":
        if (!hasStepEnded(this.rig.stepRecord(steps[action.step]!))) {
          this.rig.cancel(steps[action.step]!.slice(0, 2));
        }
        break;
      case "restart":
        this.rig = await this.rig.restart();
        this.agents.forEach((one, at) => {
          if (this.silent.has(at)) this.offline.add(at);
          else this.connect(at, one.held);
        });
        break;
    }
    await this.rig.clock.advance(0);
  }

  pick(pick: number): LeaseView | undefined {
    const leases = this.rig.scheduler.leases();
    return leases[pick % Math.max(1, leases.length)];
  }

  /** A second attempt of some task is begun wherever there is room for it. */
  copy(pick: number): void {
    const lease = this.pick(pick);
    if (!lease) return;
    const [spare] = this.rig.scheduler.spareFor(lease.task);
    const begun = this.rig.scheduler.beginCopy(lease, spare ?? "m1", () => {});
    assert.equal(begun, spare !== undefined && !lease.isSecond);
    if (begun) this.copies++;
  }

  /** An attempt was ended from here: what its agent still says of it changes nothing. */
  setOver(fence: number): void {
    for (const agent of this.agents)
      this.over.push(...agent.held.filter((offer) => offer.fence === fence));
  }

  connect(index: number, held: TaskOffer[]): void {
    this.offline.delete(index);
    const claims = held.map(({ task, fence }): TaskClaim => [task, fence]);
    const agent = this.rig.agent(machines[index]!, claims);
    agent.held.push(...held);
    this.agents[index] = agent;
  }

  beat(): void {
    this.agents.forEach((agent, index) => {
      if (!this.silent.has(index)) agent.beat(agent.held.slice(0, 1));
    });
  }

  async finish(agent: FakeAgent, offers: TaskOffer[], wallMs: number): Promise<void> {
    this.over.push(...offers);
    await agent.finish(offers, {}, wallMs);
  }

  /** A report that is over by this agent's own doing is said once more: no record may change. */
  async sayStale(index: number, pick: number): Promise<void> {
    const agent = this.offline.has(index) ? undefined : this.agents[index];
    const offer = this.over[pick % Math.max(1, this.over.length)];
    if (!agent || !offer) return;
    await this.rig.clock.advance(0);
    const before = this.rig.space.sequence;
    const statuses = JSON.stringify(steps.map((step) => this.rig.status(step)));
    await agent.session.finish([
      {
        task: offer.task,
        fence: offer.fence,
        usage: { startedAt: 0, wallMs: 1, cpuMs: 1, memoryBytes: 0, readBytes: 0, writtenBytes: 0 },
        result: "2",
      },
    ]);
    assert.equal(this.rig.space.sequence, before);
    assert.equal(JSON.stringify(steps.map((step) => this.rig.status(step))), statuses);
  }

  async check(): Promise<void> {
    // a fence is given once, so a task is never with two machines under it
    for (const [index, agent] of this.agents.entries()) {
      for (const { task, fence } of agent.held) {
        const known = this.given.get(fence);
        if (known) assert.deepEqual(known, { task, machine: index });
        else this.given.set(fence, { task, machine: index });
      }
    }
    const leases = this.rig.scheduler.leases();
    for (const [task, held] of Map.groupBy(leases, (lease) => lease.task)) {
      const firsts = held.filter(({ isSecond }) => !isSecond);
      assert.equal(firsts.length, 1, `${task} has one first lease`);
      assert.ok(held.length <= 2, `${task} has two leases at most`);
      const copies = this.rig.space.get("task", task)!.status.copies ?? [];
      const isCopied = held.some(({ fence }) => copies.some((copy) => copy.fence === fence));
      assert.ok(held.length === 1 || isCopied, `${task} has two leases as its record says`);
      assert.equal(new Set(held.map(({ machine }) => machine)).size, held.length);
    }
    for (const { machine, running } of this.rig.scheduler.machines()) {
      assert.equal(running, leases.filter((lease) => lease.machine === machine).length);
    }
    for (const step of steps) {
      const { offered, succeeded, failed, cancelled } = this.rig.status(step);
      const live = this.rig.space.count("task", step);
      assert.equal(succeeded + failed + cancelled + live, offered, `${step} adds up`);
      for (const { task } of leases)
        assert.ok(this.rig.space.get("task", task), `${task} is leased and has ended`);
    }
  }

  /** All machines live and do as they are told, for as long as it takes. */
  async drain(): Promise<void> {
    machines.forEach((_, index) => {
      this.silent.delete(index);
      this.connect(index, []);
    });
    for (let round = 0; round < 400; round++) {
      if (steps.every((step) => this.rig.space.count("task", step) === 0)) return;
      await this.rig.clock.advance(1000);
      this.beat();
      for (const agent of this.agents) {
        await agent.finish(agent.held, {}, 900);
        await agent.pull();
      }
    }
  }
}

describe("Scheduler", () => {
  test("keeps its promises under any order of events, and hands every task out in the end", async () => {
    let copies = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 })),
        fc.array(action, { minLength: 5, maxLength: 40 }),
        async (tasks, actions) => {
          const world = new World();
          await world.open(tasks);
          for (const action of actions) {
            await world.apply(action);
            await world.check();
          }
          await world.drain();
          await world.check();
          for (const step of steps) {
            assert.equal(world.rig.space.count("task", step), 0, `${step} is done`);
          }
          assert.deepEqual(world.rig.scheduler.leases(), []);
          copies += world.copies;
        },
      ),
      { numRuns: 100 },
    );
    assert.ok(copies > 0, "some tasks were under way twice");
  });

  test("takes many waiting tasks in at a start, in their order", async () => {
    const count = 200_000;
    const before = await Rig.open((rig) => rig.step("j1/0", count));
    const rig = await before.restart();
    const agent = rig.agent("m1");
    assert.deepEqual(await agent.pull(2), ["j1/0/0", "j1/0/1"]);
  });

  test("forgets everything of jobs that have ended", async () => {
    const rig = await Rig.open();
    const agent = rig.agent("m1");
    for (let job = 0; job < 50; job++) {
      rig.step(`j${job}/0`, 3, { template: { retryMs: 60_000 } });
      await rig.clock.advance(0);
      await agent.pull();
      await agent.fail("no", agent.held.slice(0, 1));
      rig.cancel(`j${job}`);
      await rig.clock.advance(0);
      agent.held = [];
    }
    assert.equal(agent.forgotten.length, 50);
    assert.deepEqual(rig.scheduler.leases(), []);
    assert.deepEqual(rig.scheduler.explainJob("j49"), [{ sentence: "the job has been cancelled" }]);
  });

  test("shows each machine with what it runs and what is free", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1, { needs: { memoryBytes: 2 ** 30 } }));
    const agent = rig.agent("m1");
    await agent.pull();
    agent.session.beat({ cpuShare: 0.5, memoryFreeBytes: 7, running: [] });
    assert.deepEqual(rig.scheduler.machines(), [
      {
        machine: "m1",
        connected: true,
        lastSeenMs: rig.clock.now(),
        load: { cpuShare: 0.5, memoryFreeBytes: 7 },
        running: 1,
        losses: 0,
        free: { milliCpus: 1000, memoryBytes: 3 * 2 ** 30 },
      },
    ]);
  });
});
