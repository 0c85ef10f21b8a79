import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ward, type FateOf } from "./testing/ward.ts";

const minuteMs = 60_000;
const slow = "j1/0/20";
/** All take four seconds, but for one that hangs on the first machine that has it. */
const hangsOnce: FateOf = ({ task, attempt }) => ({
  ms: task === slow && attempt === 1 ? Infinity : 4_000,
});

async function wardWith(fateOf: FateOf, tasks = 21): Promise<Ward> {
  const ward = await Ward.open(fateOf);
  for (const name of ["m1", "m2", "m3"]) ward.machine(name);
  ward.rig.step("j1/0", tasks);
  return ward;
}

describe("a task that takes far longer than its like", () => {
  test("gets a second attempt on a free machine, and the first that ends counts, once", async () => {
    const ward = await wardWith(hangsOnce);
    await ward.pass(minuteMs);
    const task = await ward.rig.task(slow);
    assert.equal(task?.status.phase, "succeeded");
    assert.equal(task.status.copies?.length, 1);
    assert.equal(task.status.machine, task.status.copies[0]!.machine);
    const { succeeded, usage } = ward.rig.status("j1/0");
    assert.equal(succeeded, 21);
    assert.equal(usage.attempts, 22, "the attempt that was ended is counted");
    assert.ok(usage.wallMs > 22 * 4000, "as long as it ran");
    assert.deepEqual(ward.rig.scheduler.leases(), []);
    for (const { agent } of ward.workers.values()) assert.deepEqual(agent.held, []);
    const [decision, ...more] = await ward.decisions("j1");
    assert.deepEqual(more, []);
    assert.equal(decision?.action, "copy");
    assert.equal(decision.subject, slow);
    assert.match(decision.why[0]!, /of its like 20 have ended, half of them within 4.0s/);
    ward.stop();
  });

  test("is left alone while something waits for the machine", async () => {
    const ward = await wardWith(hangsOnce);
    ward.rig.step("j2/0", 200);
    await ward.pass(minuteMs);
    assert.deepEqual(await ward.decisions("j1"), []);
    ward.stop();
  });

  test("is left alone when its like are as unlike as that", async () => {
    // exponential: how long one has run says nothing of how long it will
    const ward = await wardWith(({ task }) => ({
      ms: -4000 * Math.log(1 - ((Number(task.split("/")[2]) * 0.618 + 0.3) % 1)) + 100,
    }));
    await ward.pass(minuteMs);
    assert.equal(ward.rig.status("j1/0").succeeded, 21);
    assert.ok((await ward.decisions("j1")).length <= 1);
    ward.stop();
  });

  test("is left alone when its step says that it may not run twice at once", async () => {
    const ward = await Ward.open(hangsOnce);
    for (const name of ["m1", "m2"]) ward.machine(name);
    ward.rig.step("j1/0", 21, { template: { speculate: false, timeoutMs: 10 * minuteMs } });
    await ward.pass(2 * minuteMs);
    assert.deepEqual(await ward.decisions("j1"), []);
    ward.stop();
  });

  test("goes on when the second attempt fails", async () => {
    const ward = await wardWith(({ task, attempt }) => {
      if (task !== slow) return { ms: 4_000 };
      return attempt === 1 ? { ms: 100_000 } : { ms: 1_000, fails: true };
    });
    await ward.pass(3 * minuteMs);
    const task = await ward.rig.task(slow);
    assert.equal(task?.status.phase, "succeeded");
    assert.equal(task.status.attempts?.length, 2, "two second attempts failed");
    assert.equal(task.status.copies?.length, 2);
    ward.stop();
  });

  for (const [level, action, sentence] of [
    ["advise", "hold", /would begin a second attempt of j1\/0\/20 on m\d/],
    ["observe", "hold", /sees that j1\/0\/20 takes far longer than its like/],
  ] as const)
    test(`is only spoken of with autonomy.heal: ${level}`, async () => {
      const ward = await wardWith(hangsOnce);
      ward.heals(level);
      await ward.pass(minuteMs);
      const [decision, ...more] = await ward.decisions("j1");
      assert.deepEqual(more, [], "once");
      assert.equal(decision?.action, action);
      assert.match(decision.what, sentence);
      assert.match(decision.flip!, /autonomy.heal: act/);
      assert.equal(ward.rig.scheduler.leases().length, 1);
      ward.stop();
    });

  test("is nobody's business with autonomy.heal: manual", async () => {
    const ward = await wardWith(hangsOnce);
    ward.heals("manual");
    await ward.pass(minuteMs);
    assert.deepEqual(await ward.decisions("j1"), []);
    ward.stop();
  });
});

describe("an attempt that hangs", () => {
  test("is ended and tried again when no machine is free for a second one", async () => {
    const ward = await Ward.open(hangsOnce);
    ward.machine("m1");
    ward.rig.step("j1/0", 21, { template: { speculate: false } });
    ward.rig.machine("m2");
    await ward.pass(10 * minuteMs);
    const task = await ward.rig.task(slow);
    assert.equal(task?.status.phase, "succeeded");
    assert.deepEqual(
      task.status.attempts?.map(({ error }) => error.reason),
      ["hung"],
    );
    const decisions = await ward.decisions("j1");
    assert.deepEqual(
      decisions.map(({ action }) => action),
      ["end"],
    );
    assert.equal(ward.rig.status("j1/0").retried, 1);
    ward.stop();
  });

  test("is only reported when its retries are used up, or nothing is known of its like", async () => {
    const ward = await Ward.open(hangsOnce);
    ward.machine("m1");
    ward.rig.step("j1/0", 21, { template: { speculate: false, retries: 0 } });
    ward.machine("m2");
    ward.rig.step("j2/0", 1, { needs: { milliCpus: 1 } });
    await ward.pass(10 * minuteMs);
    const decisions = await ward.decisions("j1");
    assert.deepEqual(
      decisions.map(({ action, subject }) => [action, subject]),
      [["warn", slow]],
    );
    ward.stop();
  });
});
