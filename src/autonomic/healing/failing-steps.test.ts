import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ward, type FateOf } from "./testing/ward.ts";

const secondMs = 1000;
const patient = { template: { retries: 0 }, spec: { onFailure: "continue" } } as const;

async function wardWith(fateOf: FateOf): Promise<Ward> {
  const ward = await Ward.open(fateOf);
  for (const name of ["m1", "m2"]) ward.machine(name, 4);
  return ward;
}

const actions = async (ward: Ward) => (await ward.decisions("j1")).map(({ action }) => action);

describe("a step whose tasks fail in masses", () => {
  test("is handed out one by one, ever slower, and does not burn the machines", async () => {
    const ward = await wardWith(() => ({ ms: 10, fails: true }));
    ward.rig.step("j1/0", 100_000, patient);
    await ward.pass(3 * secondMs);
    const [decision] = await ward.decisions("j1");
    assert.equal(decision?.action, "slow");
    assert.equal(decision.subject, "j1/0");
    assert.match(
      decision.why[0]!,
      /\d+ attempts failed in .*, whatever the machine, and 0 tasks ended well/,
    );
    const { failed } = ward.rig.status("j1/0");
    await ward.pass(120 * secondMs);
    const more = ward.rig.status("j1/0").failed - failed;
    assert.ok(more > 3 && more < 40, `${more} were tried in two minutes`);
    assert.equal(ward.rig.status("j1/0").slowed!.everyMs, 32_000);
    const reasons = ward.rig.scheduler.explainJob("j1").map(({ sentence }) => sentence);
    assert.match(
      reasons.join(),
      /step 'step0' is slowed, as .*: a task of it is handed out every 32s/,
    );
    ward.stop();
  });

  test("leaves the machines to others", async () => {
    const ward = await wardWith(({ task }) => ({ ms: 10, fails: task.startsWith("j1") }));
    ward.rig.step("j1/0", 100_000, patient);
    await ward.pass(3 * secondMs);
    ward.rig.step("j2/0", 500);
    await ward.pass(10 * secondMs);
    assert.equal(ward.rig.status("j2/0").succeeded, 500);
    ward.stop();
  });

  test("goes on at full speed once they end well", async () => {
    let isPoor = true;
    const ward = await wardWith(() => ({ ms: 10, fails: isPoor }));
    ward.rig.step("j1/0", 3_000, patient);
    await ward.pass(3 * secondMs);
    isPoor = false;
    await ward.pass(60 * secondMs);
    assert.equal((await actions(ward)).at(-1), "readmit");
    const { succeeded, failed, offered, slowed } = ward.rig.status("j1/0");
    assert.equal(slowed, undefined);
    assert.equal(succeeded + failed, offered);
    ward.stop();
  });

  test("stays slowed over a restart, as that is in its record", async () => {
    const ward = await wardWith(() => ({ ms: 10, fails: true }));
    ward.rig.step("j1/0", 100_000, patient);
    await ward.pass(3 * secondMs);
    ward.stop();
    const next = await ward.rig.restart();
    const [m1] = [next.agent("m1", []), next.agent("m2", [])];
    await next.clock.advance(0);
    assert.ok((await m1!.pull()).length <= 1);
    await m1!.fail();
    assert.deepEqual(await m1!.pull(), [], "not before its time");
  });

  test("is left alone when some end well, or when only one machine fails them", async () => {
    const fair = await wardWith(({ task }) => ({
      ms: 10,
      fails: Number(task.split("/")[2]) % 10 > 0,
    }));
    fair.rig.step("j1/0", 3_000, patient);
    await fair.pass(20 * secondMs);
    assert.deepEqual(await actions(fair), []);
    fair.stop();
    const broken = await wardWith((_, machine) => ({
      ms: machine === "m1" ? 5 : 200,
      fails: machine === "m1",
    }));
    broken.rig.step("j1/0", 3_000, { template: { retries: 5 } });
    await broken.pass(10 * secondMs);
    assert.deepEqual(
      (await actions(broken)).filter((action) => action === "slow"),
      [],
    );
    broken.stop();
  });

  test("is only spoken of when the policy says so", async () => {
    const ward = await wardWith(() => ({ ms: 10, fails: true }));
    ward.heals("advise");
    ward.rig.step("j1/0", 3_000, patient);
    await ward.pass(5 * secondMs);
    const [decision, ...more] = await ward.decisions("j1");
    assert.deepEqual(more, []);
    assert.match(decision!.what, /would have: slowed step 'step0'/);
    assert.equal(ward.rig.status("j1/0").slowed, undefined);
    ward.stop();
  });
});
