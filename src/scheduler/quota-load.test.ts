import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { jobOf } from "#/model/task.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

const project = fc.record({
  quota: fc.integer({ min: 1, max: 6 }),
  borrow: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
});
const job = fc.record({
  atMs: fc.integer({ min: 0, max: 10_000 }),
  project: fc.nat(3),
  priority: fc.nat(2),
  tasks: fc.integer({ min: 1, max: 6 }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  runMs: fc.integer({ min: 50, max: 8000 }),
});
const load = fc.record({
  projects: fc.array(project, { minLength: 1, maxLength: 4 }),
  jobs: fc.array(job, { minLength: 1, maxLength: 12 }),
  machines: fc.array(fc.integer({ min: 6, max: 12 }), { minLength: 1, maxLength: 3 }),
});
type Load = LoadOf<typeof load>;
type LoadOf<T> = T extends fc.Arbitrary<infer U> ? U : never;

const stepMs = 100;
/** All work of a load one after the other, and every wait that a preemption may cost it, is far less. */
const patienceMs = 3_600_000;

/** Runs a load to its end, and looks at the bounds after each moment. */
class Run {
  #rig: Rig;
  #load: Load;
  #agents: FakeAgent[];
  #sinceMs = new Map<string, number>();
  #runMs = new Map<string, number>();
  cancelled = 0;

  constructor(rig: Rig, load: Load) {
    this.#rig = rig;
    this.#load = load;
    this.#agents = load.machines.map((_, index) => rig.agent(`m${index}`));
  }

  async toEnd(): Promise<void> {
    const due = this.#load.jobs.toSorted((a, b) => a.atMs - b.atMs);
    let left = due.reduce((sum, { tasks }) => sum + tasks, 0);
    for (let nowMs = 0; left > 0; nowMs += stepMs) {
      assert.ok(nowMs < patienceMs, `${left} tasks wait for ever`);
      while (due.length > 0 && due[0]!.atMs <= nowMs) this.#submit(due.shift()!);
      for (const agent of this.#agents) {
        await agent.pull();
        this.#look();
      }
      await this.#rig.clock.advance(stepMs);
      this.#look();
      for (const agent of this.#agents) {
        if (nowMs % 2000 === 0) agent.beat(agent.held);
        const ended = agent.held.filter(({ task, fence }) => {
          const sinceMs = this.#sinceMs.get(`${task} ${fence}`)!;
          return this.#rig.clock.monotonicMs() - sinceMs >= this.#runMs.get(jobOf(task))!;
        });
        left -= ended.length;
        if (ended.length > 0) await agent.finish(ended);
      }
    }
    this.cancelled = this.#agents.reduce((sum, { cancels }) => sum + cancels.length, 0);
  }

  #submit({ project, priority, tasks, share, runMs }: Load["jobs"][number]): void {
    const of = project % this.#load.projects.length;
    const name = `j${this.#runMs.size}`;
    const milliCpus = Math.max(1, Math.round(this.#load.projects[of]!.quota * share)) * 1000;
    this.#runMs.set(name, runMs);
    this.#rig.step(`${name}/0`, tasks, {
      project: `p${of}`,
      priority,
      needs: { milliCpus },
      template: { retries: 0 },
    });
  }

  #look(): void {
    const used = new Map<string, number>();
    for (const agent of this.#agents) {
      for (const { task, fence } of agent.held) {
        const key = `${task} ${fence}`;
        if (!this.#sinceMs.has(key)) this.#sinceMs.set(key, this.#rig.clock.monotonicMs());
        const { project, spec } = this.#rig.stepRecord(task.slice(0, task.lastIndexOf("/")));
        const cpus = spec.template.needs.milliCpus / 1000;
        used.set(project, (used.get(project) ?? 0) + cpus);
      }
    }
    let sum = 0;
    let pool = 0;
    this.#load.projects.forEach(({ quota, borrow = Infinity }, index) => {
      const of = used.get(`p${index}`) ?? 0;
      assert.ok(of <= quota + borrow, `p${index} uses ${of} of ${quota} and ${borrow} borrowed`);
      sum += of;
      pool += quota;
    });
    assert.ok(sum <= pool, `the cohort uses ${sum} of ${pool}`);
  }
}

describe("quota, borrowing and preemption under any load", () => {
  test("keep each project within what it may, the cohort within its sum, and end every task, charged for nothing", async () => {
    let preempted = 0;
    await fc.assert(
      fc.asyncProperty(load, async (load) => {
        const rig = await Rig.open((rig) => {
          load.machines.forEach((cpus, index) => void rig.machine(`m${index}`, { cpus }));
          load.projects.forEach(({ quota, borrow }, index) =>
            rig.project(`p${index}`, 1, {
              quota: { milliCpus: quota * 1000 },
              cohort: "lab",
              ...(borrow !== undefined && { borrow: { milliCpus: borrow * 1000 } }),
            }),
          );
        });
        const run = new Run(rig, load);
        await run.toEnd();
        preempted += run.cancelled;
        for (const { name, status } of rig.space.all("step")) {
          const { succeeded, offered, failed, lost, retried } = status;
          assert.deepEqual(
            { succeeded, failed, lost, retried },
            { succeeded: offered, failed: 0, lost: 0, retried: 0 },
            name,
          );
        }
        rig.scheduler.stop();
      }),
      { numRuns: 60 },
    );
    assert.ok(preempted > 0, "some of these loads have tasks stopped");
  });
});
