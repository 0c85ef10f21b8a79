import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Placement } from "#/model/placement.ts";
import { Rig } from "./testing/rig.ts";

/** Three machines with open pulls, of which the second runs one task that lasts already. */
async function three(placement: Placement) {
  const rig = await Rig.open(
    (rig) => {
      for (const name of ["m1", "m2", "m3"]) rig.machine(name, { cpus: 4 });
      rig.step("j1/0", 1);
    },
    { placement },
  );
  const agents = ["m1", "m2", "m3"].map((name) => rig.agent(name));
  await agents[1]!.pull();
  for (const agent of agents) await agent.pull();
  const counts = () =>
    agents.map(({ held }) => held.filter(({ task }) => task.startsWith("j2")).length);
  const why = async (index: number) => {
    const offer = agents[index]!.held.find(({ task }) => task.startsWith("j2"))!;
    return (await rig.scheduler.explainTask(offer.task))[0]!.sentence;
  };
  return { rig, agents, counts, why };
}

describe("a placement", () => {
  test("asked serves who has asked for longest, with all that it has room for", async () => {
    const { rig, counts, why } = await three("asked");
    rig.step("j2/0", 5);
    await rig.clock.advance(0);
    assert.deepEqual(counts(), [4, 1, 0]);
    assert.match(await why(1), /number 2 of 3 .* in order of who had asked for longest, and has/);
  });

  test("spread serves the emptiest first, each with its part", async () => {
    const { rig, counts, why } = await three("spread");
    rig.step("j2/0", 5);
    await rig.clock.advance(0);
    assert.deepEqual(counts(), [2, 1, 2]);
    assert.match(await why(2), /number 2 of 3 .* who is emptiest \(100 % of it free\), each with/);
    assert.match(await why(1), /number 3 of 3 .* who is emptiest \(75 % of it free\)/);
  });

  test("spread leaves nothing waiting that has room somewhere", async () => {
    const { rig, agents, counts } = await three("spread");
    rig.step("j2/0", 11);
    for (let round = 0; round < 4; round++) for (const agent of agents) await agent.pull();
    assert.deepEqual(counts(), [4, 3, 4]);
  });

  test("pack serves the fullest first, so that others stay idle", async () => {
    const { rig, counts, why } = await three("pack");
    rig.step("j2/0", 3);
    await rig.clock.advance(0);
    assert.deepEqual(counts(), [0, 3, 0]);
    assert.match(await why(1), /number 1 of 3 .* who is fullest \(75 % of it free\)/);
  });
});
