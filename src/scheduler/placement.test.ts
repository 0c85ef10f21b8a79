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

  test("pack begins with the machine that draws less for a CPU, of those that are as full", async () => {
    const rig = await Rig.open(() => {}, { placement: "pack" });
    for (const [name, peakWatts] of [
      ["hot", 100],
      ["cool", 40],
      ["dark", 0],
    ] as const) {
      const machine = rig.machine(name, { cpus: 4 });
      const rates = { ...machine.status.rates, peakWatts };
      rig.commit((tx) => tx.put({ ...machine, status: { ...machine.status, rates } }));
    }
    const agents = ["dark", "hot", "cool"].map((name) => rig.agent(name));
    for (const agent of agents) await agent.pull();
    rig.step("j1/0", 6);
    await rig.clock.advance(0);
    assert.deepEqual(
      agents.map(({ held }) => held.length),
      [0, 2, 4],
    );
  });

  test("cheap serves the one first whose CPUs cost least, then the others, and last what has no known price", async () => {
    const rig = await Rig.open(() => {}, { placement: "cheap" });
    for (const [name, microsPerHour] of [
      ["dear", 400_000],
      ["unknown", undefined],
      ["cheap", 100_000],
    ] as const) {
      const machine = rig.machine(name, { cpus: 4 });
      const rates = { ...machine.status.rates, microsPerHour };
      rig.commit((tx) => tx.put({ ...machine, status: { ...machine.status, rates } }));
    }
    const agents = ["unknown", "dear", "cheap"].map((name) => rig.agent(name));
    for (const agent of agents) await agent.pull();
    rig.step("j1/0", 6);
    await rig.clock.advance(0);
    assert.deepEqual(
      agents.map(({ held }) => held.length),
      [0, 2, 4],
    );
    const [why] = await rig.scheduler.explainTask(agents[1]!.held[0]!.task);
    assert.match(why!.sentence, /number 2 of 3 .* in order of whose CPUs are cheapest/);
  });

  test("is pack where none was asked for and a project's policy has the objective carbon", async () => {
    const rig = await Rig.open();
    assert.equal(rig.scheduler.placement, "asked");
    const policy = {
      kind: "policy",
      project: "p",
      name: "p/autonomic",
      spec: { type: "autonomic", objective: "carbon", timeZone: "UTC", autonomy: {} },
      status: {},
    } as const;
    rig.commit((tx) => tx.put<"policy">(policy));
    assert.equal(rig.scheduler.placement, "pack");
    const again = await rig.restart();
    assert.equal(again.scheduler.placement, "pack");
    again.commit((tx) => tx.delete("policy", "p/autonomic"));
    assert.equal(again.scheduler.placement, "asked");
  });
});
