import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "#/scheduler/testing/rig.ts";
import { followHealth } from "./health-follow.ts";
import { MachineHealth } from "./machine-health.ts";

class Heard extends MachineHealth {
  readonly failures: string[] = [];

  override failed(kind: string, machine: string, task: string, at: number): void {
    this.failures.push(`${task} on ${machine}`);
    super.failed(kind, machine, task, at);
  }
}

test("of a gang that is given up only the member that failed is held against its machine", async () => {
  const rig = await Rig.open();
  const health = new Heard();
  const stop = followHealth(rig.space, health);
  const agents = [rig.agent("m0"), rig.agent("m1")];
  for (const agent of agents) await agent.pull();
  rig.step("j1/0", 4, { spec: { gang: {} }, template: { retries: 0 } });
  await rig.clock.advance(0);
  const [guilty] = agents[0]!.held;
  await agents[0]!.fail("bad", [guilty!]);
  await rig.clock.advance(0);
  assert.equal(rig.status("j1/0").failed, 4);
  assert.deepEqual(health.failures, [`${guilty!.task} on m0`]);
  stop();
  rig.scheduler.stop();
});
