import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { Ward, type FateOf } from "./testing/ward.ts";

const minuteMs = 60_000;
const names = ["m1", "m2", "m3", "m4"];

async function wardWith(fateOf: FateOf): Promise<Ward> {
  const ward = await Ward.open(fateOf);
  for (const name of names) ward.machine(name, 2);
  return ward;
}

const standing = (ward: Ward, name: string) => ward.rig.space.get("machine", name)!.spec.standing;
const actions = async (ward: Ward, name: string) =>
  (await ward.decisions(name)).map(({ action }) => action);

describe("a machine on which tasks fail that succeed elsewhere", () => {
  test("is put on trial, isolated, tried again after a while, and trusted when it does well", async () => {
    let isBroken = true;
    const ward = await wardWith((_, machine) => ({
      ms: machine === "m4" && isBroken ? 50 : 1_000,
      fails: machine === "m4" && isBroken,
    }));
    ward.rig.step("j1/0", 6_000, { template: { retries: 9, retryMs: 500 } });
    await ward.pass(minuteMs);
    assert.deepEqual(await actions(ward, "m4"), ["slow", "isolate"]);
    const [, isolated] = await ward.decisions("m4");
    assert.match(
      isolated!.why[0]!,
      /on trial, one task at a time, \d+ of the last \d+ tasks failed there/,
    );
    assert.equal(standing(ward, "m4")?.phase, "isolated");
    assert.ok(ward.rig.space.get("machine", "m4")!.spec.cordoned);
    assert.equal(ward.rig.status("j1/0").failed, 0);
    assert.deepEqual(ward.workers.get("m4")!.agent.held, []);
    isBroken = false;
    await ward.pass(11 * minuteMs);
    assert.deepEqual(await actions(ward, "m4"), ["slow", "isolate", "slow", "readmit"]);
    assert.equal(standing(ward, "m4"), undefined);
    assert.equal(ward.rig.space.get("machine", "m4")!.spec.cordoned, false);
    for (const name of names.slice(0, 3)) assert.deepEqual(await actions(ward, name), []);
    ward.stop();
  });

  test("is given one task at a time while it is on trial", async () => {
    const ward = await wardWith((_, machine) => ({ ms: 1_000, fails: machine === "m4" }));
    ward.rig.step("j1/0", 600, { template: { retries: 9 } });
    let most = 0;
    for (let look = 0; look < 30; look++) {
      await ward.pass(500);
      if (standing(ward, "m4")?.phase === "slowed")
        most = Math.max(most, ward.workers.get("m4")!.agent.held.length);
    }
    assert.ok(most <= 2, "what it had ends, and then it has one");
    assert.equal(standing(ward, "m4")?.phase, "isolated");
    ward.stop();
  });

  test("is trusted again also where nothing but gangs waits that need all machines", async () => {
    let isBroken = true;
    const ward = await wardWith((_, machine) => ({
      ms: 1_000,
      fails: machine === "m4" && isBroken,
    }));
    ward.rig.step("j1/0", 600, { template: { retries: 9 } });
    for (let look = 0; look < 60 && !standing(ward, "m4"); look++) await ward.pass(500);
    assert.equal(standing(ward, "m4")?.phase, "slowed");
    isBroken = false;
    ward.rig.cancel("j1");
    for (const job of ["j2", "j3", "j4", "j5", "j6"])
      ward.rig.step(`${job}/0`, 7, { spec: { gang: {} } });
    await ward.pass(minuteMs);
    assert.equal(standing(ward, "m4"), undefined);
    for (const job of ["j2", "j6"]) assert.equal(ward.rig.status(`${job}/0`).succeeded, 7);
    ward.stop();
  });

  test("is not the one on which a poor job happens to run", async () => {
    const ward = await wardWith(() => ({ ms: 500, fails: true }));
    ward.rig.step("j1/0", 100, { template: { retries: 3 } });
    await ward.pass(2 * minuteMs);
    for (const name of names) assert.deepEqual(await actions(ward, name), []);
    ward.stop();
  });

  test("is not one of many on which a few tasks fail by chance", async () => {
    const ward = await wardWith(({ task, attempt }) => ({
      ms: 500,
      fails:
        attempt === 1 &&
        Math.abs(Math.sin(Number(task.split("/")[2]) * 12.9898) * 43758.5453) % 1 < 0.2,
    }));
    ward.rig.step("j1/0", 1_000);
    await ward.pass(3 * minuteMs);
    assert.ok(ward.rig.status("j1/0").retried > 100);
    for (const name of names) assert.deepEqual(await actions(ward, name), []);
    ward.stop();
  });

  test("is only spoken of when the policy says so, once", async () => {
    const ward = await wardWith((_, machine) => ({ ms: 500, fails: machine === "m4" }));
    ward.rig.commit((tx) => {
      const machine = tx.get("machine", "m4")!;
      tx.put({ ...machine, spec: { ...machine.spec, reservedForProject: "p" } });
    });
    ward.heals("advise");
    ward.rig.step("j1/0", 300, { template: { retries: 9 } });
    await ward.pass(minuteMs);
    const decisions = await ward.decisions("m4");
    assert.deepEqual(
      decisions.map(({ action }) => action),
      ["hold"],
    );
    assert.match(decisions[0]!.what, /would have: put m4 on trial/);
    assert.equal(standing(ward, "m4"), undefined);
    ward.stop();
  });
});

test("no more machines than a share of all are put on trial, also when many misbehave in the same moment", async () => {
  const ward = await Ward.open((_, machine) => {
    const fails = Number(machine.slice(1)) > 7;
    return { ms: fails ? 50 : 1_000, fails };
  });
  const all = Array.from({ length: 12 }, (_, number) => `m${number + 1}`);
  for (const name of all) ward.machine(name, 2);
  ward.rig.step("j1/0", 60_000, { template: { retries: 9, retryMs: 500 } });
  let most = 0;
  for (let look = 0; look < 120; look++) {
    await ward.pass(500);
    most = Math.max(most, all.filter((name) => standing(ward, name)).length);
  }
  assert.equal(most, all.length * limits.mistrustedShareMax);
  ward.stop();
});

test("a machine that is isolated is tried again, and trusted, also when the policy lets Canopy heal no more", async () => {
  let isBroken = true;
  const ward = await wardWith((_, machine) => ({
    ms: machine === "m4" && isBroken ? 50 : 1_000,
    fails: machine === "m4" && isBroken,
  }));
  ward.rig.step("j1/0", 6_000, { template: { retries: 9, retryMs: 500 } });
  await ward.pass(minuteMs);
  assert.equal(standing(ward, "m4")?.phase, "isolated");
  isBroken = false;
  ward.rig.commit((tx) => {
    const machine = tx.get("machine", "m4")!;
    tx.put({ ...machine, spec: { ...machine.spec, reservedForProject: "p" } });
  });
  ward.heals("manual");
  await ward.pass(11 * minuteMs);
  assert.equal(standing(ward, "m4"), undefined);
  assert.equal(ward.rig.space.get("machine", "m4")!.spec.cordoned, false);
  ward.stop();
});

test("a machine that was bought and misbehaves is given back", async () => {
  const ward = await wardWith((_, machine) => ({ ms: 500, fails: machine === "m4" }));
  ward.rig.commit((tx) => {
    const machine = tx.get("machine", "m4")!;
    tx.put({ ...machine, spec: { ...machine.spec, order: "o1" } });
    tx.put<"order">({
      kind: "order",
      project: "p",
      name: "o1",
      spec: {
        site: "lab",
        orderedAt: 0,
        offer: {
          site: "lab",
          name: "small",
          market: "on-demand",
          zone: "",
          labels: {},
          capacity: { milliCpus: 2000, memoryBytes: 0 },
          microsPerHour: 0,
          priceGranularityMs: 1000,
          billedMsMin: 0,
        },
      },
      status: { phase: "joined", since: 0, machine: "m4" },
    } as never);
  });
  ward.rig.step("j1/0", 600, { template: { retries: 9 } });
  await ward.pass(minuteMs);
  assert.deepEqual(await actions(ward, "m4"), ["slow", "release"]);
  assert.equal(ward.rig.space.get("order", "o1")!.status.phase, "releasing");
  assert.match(ward.rig.space.get("order", "o1")!.status.reason!, /it misbehaved: \d+ of the last/);
  ward.stop();
});

test("a machine that is far slower than others of its type is put on trial", async () => {
  const ward = await wardWith((_, machine) => ({ ms: machine === "m4" ? 5_000 : 1_000 }));
  ward.rig.step("j1/0", 2_000, { template: { speculate: false } });
  await ward.pass(minuteMs);
  const [decision] = await ward.decisions("m4");
  assert.equal(decision?.action, "slow");
  assert.match(
    decision.why[0]!,
    /took 5\.0 times as long as the same ones on machines of its type/,
  );
  for (const name of names.slice(0, 3)) assert.deepEqual(await actions(ward, name), []);
  ward.stop();
});

test("a machine that is lost again and again with what it runs is put on trial, and no other", async () => {
  const ward = await wardWith(() => ({ ms: 20_000 }));
  ward.rig.step("j1/0", 200);
  for (let time = 0; time < 3; time++) {
    await ward.pass(2_000);
    ward.rejoin("m4");
  }
  await ward.pass(2_000);
  const [decision] = await ward.decisions("m4");
  assert.equal(decision?.action, "slow");
  assert.match(
    decision.why[0]!,
    /it was lost with what it ran 3 times in 15 min, and others 0.0 times/,
  );
  for (const name of names.slice(0, 3)) assert.deepEqual(await actions(ward, name), []);
  ward.stop();
});
