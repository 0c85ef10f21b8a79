import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { Chance } from "#/base/chance.ts";
import { hasOrderEnded } from "#/model/order.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { cloudOf, lab } from "./testing/lab.ts";
import { SimulatedCloud } from "./testing/simulated-cloud.ts";

const minuteMs = 60_000;

describe("startAutonomic()", () => {
  test("buys what keeps a deadline that the machines at hand cannot keep, and gives it back at the end", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    const deadlineAt = cloud.rig.clock.now() + 10 * minuteMs;
    cloud.job("j1", 100, toldBelief(minuteMs), { deadlineAt, budgetMicros: 2_000_000 });
    const endedMs = await cloud.untilEnded("j1", 20 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 10 * minuteMs, `ended after ${endedMs} ms`);
    const orders = cloud.orders();
    assert.ok(orders.length >= 3 && orders.length <= 6, `${orders.length} orders`);
    await cloud.rig.clock.advance(minuteMs);
    assert.ok(cloud.orders().every(hasOrderEnded));
    assert.deepEqual((await cloud.site.held()).machines, []);
    const [first] = await cloud.decisions("j1");
    assert.equal(first!.action, "buy");
    assert.match(
      first!.why[0]!,
      /100 tasks are left, 10m00s before the deadline, and the machines at hand need/,
    );
    cloud.stop();
  });

  test("spares no machine that makes it end sooner where that is the objective", async () => {
    const endedBy = async (objective: "cost" | "time") => {
      const cloud = await cloudOf(lab({}, { machinesMax: 3 }), minuteMs);
      cloud.machine("here", 7);
      const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
      cloud.job("j1", 480, toldBelief(minuteMs), { deadlineAt, objective });
      const endedMs = await cloud.untilEnded("j1", 70 * minuteMs);
      cloud.stop();
      return endedMs!;
    };
    assert.ok((await endedBy("time")) < 0.7 * (await endedBy("cost")));
  });

  test("buys nothing while what is there is enough", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    cloud.job("j1", 4, toldBelief(minuteMs), { deadlineAt: cloud.rig.clock.now() + 10 * minuteMs });
    await cloud.untilEnded("j1", 20 * minuteMs);
    assert.deepEqual(cloud.orders(), []);
    cloud.stop();
  });

  test("buys more when tasks turn out to take longer than was thought", async () => {
    const cloud = await cloudOf(lab(), 2 * minuteMs);
    cloud.machine("here", 2);
    const deadlineAt = cloud.rig.clock.now() + 30 * minuteMs;
    cloud.job("j1", 80, toldBelief(minuteMs), { deadlineAt });
    const endedMs = await cloud.untilEnded("j1", 60 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 30 * minuteMs, `ended after ${endedMs} ms`);
    const buys = (await cloud.decisions("j1")).filter(({ action }) => action === "buy");
    assert.ok(buys.length >= 2, `${buys.length} decisions to buy`);
    cloud.stop();
  });

  test("replaces a machine that its site took back, and pays no more for it", async () => {
    const cloud = await cloudOf(lab({ interruptionsPerHour: 20 }), minuteMs);
    cloud.machine("here", 1);
    const deadlineAt = cloud.rig.clock.now() + 30 * minuteMs;
    cloud.job("j1", 150, toldBelief(minuteMs), { deadlineAt });
    const endedMs = await cloud.untilEnded("j1", 60 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 30 * minuteMs, `ended after ${endedMs} ms`);
    const lost = cloud.orders().filter(({ status }) => status.phase === "failed");
    assert.ok(lost.length > 0, "no machine was taken back");
    assert.ok(lost.every(({ status }) => status.costMicros! > 0));
    const warned = (await cloud.decisions("j1")).filter(({ action }) => action === "warn");
    assert.equal(warned[0]!.why[0], "the site took it back");
    cloud.stop();
  });

  test("ends a job before its budget is crossed, and gives all machines back", async () => {
    const cloud = await cloudOf(lab(), 20 * minuteMs);
    const budgetMicros = 300_000;
    // Its plan believed in a twentieth of the time.
    cloud.job("j1", 40, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 30 * minuteMs,
      budgetMicros,
    });
    await cloud.untilEnded("j1", 90 * minuteMs);
    assert.equal(cloud.rig.space.get("job", "j1")!.status.phase, "cancelled");
    await cloud.rig.clock.advance(minuteMs);
    const spent = cloud.orders().reduce((sum, { status }) => sum + (status.costMicros ?? 0), 0);
    assert.ok(cloud.orders().every(hasOrderEnded));
    assert.ok(spent > budgetMicros / 2 && spent <= budgetMicros, `${spent} of ${budgetMicros}`);
    const decisions = await cloud.decisions("j1");
    assert.ok(decisions.some(({ action }) => action === "stop"));
    cloud.stop();
  });

  test("says once that a deadline will be missed, and buys what is fastest", async () => {
    const cloud = await cloudOf(lab({}, { machinesMax: 2 }), minuteMs);
    cloud.machine("here", 1);
    cloud.job("j1", 200, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 5 * minuteMs,
    });
    await cloud.untilEnded("j1", 10 * minuteMs);
    assert.equal(cloud.orders().length, 2);
    const warned = (await cloud.decisions("j1")).filter(({ action }) => action === "warn");
    assert.equal(warned.length, 1);
    assert.equal(warned[0]!.what, "will not keep the deadline");
    cloud.stop();
  });

  test("tells the site what the order was bought at, so that nothing dearer is made", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    const asked: (number | undefined)[] = [];
    const acquire = cloud.site.acquire.bind(cloud.site);
    cloud.site.acquire = (order) => {
      asked.push(order.microsPerHour);
      return acquire(order);
    };
    cloud.job("j1", 60, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
    });
    await cloud.untilEnded("j1", 2 * minuteMs);
    assert.ok(asked.length > 0);
    assert.deepEqual(
      asked,
      cloud.orders().map(({ spec }) => spec.offer.microsPerHour),
    );
    cloud.stop();
  });

  test("releases what its site holds and no order wants", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    await cloud.site.acquire({ name: "orphan", offer: "large", urls: [], token: "" });
    await cloud.rig.clock.advance(2 * minuteMs);
    assert.deepEqual((await cloud.site.held()).machines, []);
    cloud.stop();
  });

  test("deletes what ended machines left at their site, soon after they ended, and says so", async () => {
    const leftovers = [{ order: "before", what: "the disk vol-0" }];
    const cloud = await SimulatedCloud.open({
      site: lab(),
      taskMs: () => minuteMs,
      random: new Chance(3),
      leftovers,
    });
    cloud.machine("here", 2);
    await cloud.rig.clock.advance(5_000);
    assert.equal(leftovers.length, 0);
    cloud.job("j1", 100, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
    });
    await cloud.untilEnded("j1", 2 * minuteMs);
    const [first] = cloud.orders();
    leftovers.push({ order: first!.name, what: "the disk vol-1" });
    await cloud.untilEnded("j1", 20 * minuteMs);
    await cloud.rig.clock.advance(3 * minuteMs);
    assert.ok(cloud.orders().every(hasOrderEnded));
    assert.equal(leftovers.length, 0);
    const decisions = await cloud.decisions("lab");
    assert.deepEqual(
      decisions.map(({ what }) => what),
      ["deleted the disk vol-0", "deleted the disk vol-1"],
    );
    cloud.stop();
  });

  test("buys only what the policy allows", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    cloud.policy({ where: "offer.perHour < 0.5" });
    cloud.job("j1", 60, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
    });
    await cloud.untilEnded("j1", 2 * minuteMs);
    assert.deepEqual(cloud.orders(), []);
    cloud.stop();
  });

  test("keeps deadline and budget when the wall clock is set", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    cloud.job("j1", 100, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
      budgetMicros: 600_000,
    });
    await cloud.untilEnded("j1", minuteMs);
    const before = cloud.orders().length;
    cloud.rig.clock.setWall(cloud.rig.clock.now() + 60 * minuteMs);
    const endedMs = await cloud.untilEnded("j1", 20 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 9 * minuteMs, `ended after ${endedMs} ms more`);
    assert.ok(
      cloud.orders().length <= before + 1,
      `${cloud.orders().length} orders after ${before}`,
    );
    cloud.stop();
  });

  for (const byMinutes of [60, -60])
    test(`keeps them when the clock is set by ${byMinutes} minutes and the control plane begins anew`, async () => {
      const cloud = await cloudOf(lab(), minuteMs);
      cloud.machine("here", 2);
      cloud.job("j1", 100, toldBelief(minuteMs), {
        deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
        budgetMicros: 600_000,
      });
      await cloud.untilEnded("j1", minuteMs);
      const { deadlineAt } = cloud.rig.space.get("job", "j1")!.spec.goal!;
      const before = cloud.orders().length;
      cloud.rig.clock.setWall(cloud.rig.clock.now() + byMinutes * minuteMs);
      await cloud.untilEnded("j1", 3_000);
      cloud.restart();
      const { goal } = cloud.rig.space.get("job", "j1")!.spec;
      assert.equal(goal!.deadlineAt! - deadlineAt!, byMinutes * minuteMs);
      const endedMs = await cloud.untilEnded("j1", 20 * minuteMs);
      assert.ok(endedMs !== undefined && endedMs <= 9 * minuteMs, `ended after ${endedMs} ms more`);
      assert.equal(cloud.rig.space.get("job", "j1")!.status.phase, "succeeded");
      assert.ok(cloud.orders().length <= before + 1, `${cloud.orders().length} after ${before}`);
      const said = (await cloud.decisions("j1")).flatMap(({ why }) => why);
      assert.ok(said.some((why) => /was set (forward|back) by 1h/.test(why)));
      cloud.stop();
    });

  test("gives an order up when its site does not answer in time", async () => {
    const fault = () => new CanopyError("limited", "come again", { retryAfterMs: 1000 });
    const cloud = await SimulatedCloud.open({
      site: lab({ countMax: 1 }),
      taskMs: () => minuteMs,
      random: new Chance(3),
      fault,
    });
    cloud.machine("here", 1);
    cloud.job("j1", 60, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 40 * minuteMs,
    });
    await cloud.untilEnded("j1", 17 * minuteMs);
    const [first] = cloud.orders();
    assert.equal(first!.status.phase, "releasing");
    assert.equal(first!.status.reason, "its site did not answer in time");
    cloud.stop();
  });
});
