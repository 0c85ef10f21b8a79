import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Rig } from "./testing/rig.ts";

const load = fc.record({
  quotas: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
  borrow: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
  jobs: fc.array(
    fc.record({
      project: fc.nat(2),
      tasks: fc.integer({ min: 1, max: 6 }),
      cpus: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  cpus: fc.integer({ min: 4, max: 80 }),
});

describe("canopy why", () => {
  test("is exact about quotas: one that it names and nothing else is what the task waits for", async () => {
    let named = 0;
    let others = 0;
    await fc.assert(
      fc.asyncProperty(load, async ({ quotas, borrow, jobs, cpus }) => {
        const rig = await Rig.open((rig) => {
          rig.machine("m1", { cpus });
          quotas.forEach((quota, index) =>
            rig.project(`p${index}`, 1, {
              quota: { milliCpus: quota * 1000 },
              cohort: "lab",
              ...(borrow !== undefined && { borrow: { milliCpus: borrow * 1000 } }),
            }),
          );
          jobs.forEach(({ project, tasks, cpus }, index) =>
            rig.step(`j${index}/0`, tasks, {
              project: `p${project % quotas.length}`,
              needs: { milliCpus: cpus * 1000 },
            }),
          );
        });
        const agent = rig.agent("m1");
        while ((await agent.pull()).length > 0);
        const heldOf = (index: number) =>
          agent.held.filter(({ task }) => task.startsWith(`j${index}/`)).length;
        const asked = jobs.reduce((sum, { tasks, cpus }) => sum + tasks * cpus, 0);
        for (const [index, { project, tasks }] of jobs.entries()) {
          const held = () => heldOf(index);
          const before = held();
          if (before === tasks) continue;
          const reasons = rig.scheduler.explainJob(`j${index}`).map(({ sentence }) => sentence);
          const ofQuota = reasons.filter((sentence) => /quota/.test(sentence));
          const ofMachine = reasons.filter((sentence) => sentence.startsWith("m1 has "));
          assert.ok(ofQuota.length + ofMachine.length > 0, reasons.join());
          // where there is no room for all, another task may take it first
          if (ofQuota.length === 0 || asked > cpus) {
            others++;
            continue;
          }
          named++;
          const name = `p${project % quotas.length}`;
          const spec = rig.space.get("project", name)!.spec;
          rig.project(name, 1);
          while ((await agent.pull()).length > 0);
          assert.ok(held() > before, `without a quota it still waits: ${reasons.join()}`);
          rig.project(name, 1, spec);
          return; // what has begun meanwhile is not what the others' reasons are about
        }
        rig.scheduler.stop();
      }),
      { numRuns: 200 },
    );
    assert.ok(named > 20 && others > 20, `${named} ${others}`);
  });
});
