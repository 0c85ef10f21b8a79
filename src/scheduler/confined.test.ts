import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { FullLog } from "./testing/full-log.ts";
import { Rig } from "./testing/rig.ts";

/** What the jobs room does when a rule says that data which the step reads may be at the lab only. */
function confine(rig: Rig, name: string): void {
  rig.commit((tx) => {
    const step = tx.get("step", name)!;
    const { template } = step.spec;
    const needs = { ...template.needs, sites: ["lab"], confinedBy: ["notes/"] };
    tx.put({ ...step, spec: { ...step.spec, template: { ...template, needs } } });
  });
}

describe("a task under way where its data may not be any more", () => {
  test("is not taken over after a failover, and runs where it may", async () => {
    const rig = await Rig.open((rig) => rig.step("j1/0", 1));
    const agent = rig.agent("m1");
    await agent.pull();
    rig.scheduler.stop(); // it dies before it stops the task
    confine(rig, "j1/0");
    const next = await rig.restart();
    const again = next.agent("m1", agent.holds());
    await next.clock.advance(0);
    assert.deepEqual(again.cancels, agent.holds());
    const machine = next.machine("m2");
    next.commit((tx) => tx.put({ ...machine, spec: { ...machine.spec, site: "lab" } }));
    const other = next.agent("m2");
    await next.clock.advance(limits.leaseMs);
    other.beat();
    again.beat();
    assert.deepEqual(await again.pull(), []);
    assert.deepEqual(await other.pull(), ["j1/0/0"]);
  });

  test("is stopped as soon as the disk has space again", async () => {
    const log = new FullLog();
    const rig = await Rig.open((rig) => rig.step("j1/0", 1), { log });
    const agent = rig.agent("m1");
    await agent.pull();
    log.isFull = true;
    rig.step("j2/0", 1, { needs: { milliCpus: 64_000 } });
    confine(rig, "j1/0");
    await rig.clock.advance(0);
    assert.equal(rig.scheduler.leases().length, 1);
    log.isFull = false;
    for (let beats = 0; beats < 5; beats++) {
      agent.beat(agent.held);
      await rig.clock.advance(limits.leaseLookMs);
    }
    assert.deepEqual(rig.scheduler.leases(), []);
    assert.equal(agent.cancels.length, 1);
  });
});
