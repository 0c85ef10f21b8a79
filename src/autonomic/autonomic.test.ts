import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { Chance } from "#/base/chance.ts";
import { hasOrderEnded } from "#/model/order.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { releaseByPlan } from "./release.ts";
import { SimulatedCloud } from "./testing/simulated-cloud.ts";

const minuteMs = 60_000;
const GiB = 2 ** 30;

function lab(offer: object = {}, more: object = {}): SimulatedConfig {
  return siteConfig.parse({
    type: "simulated",
    machinesMax: 20,
    offers: [
      {
        name: "large",
        milliCpus: 4000,
        memoryBytes: 8 * GiB,
        microsPerHour: 600_000,
        bootMs: { median: 20_000, p90: 30_000 },
        ...offer,
      },
    ],
    ...more,
  }) as SimulatedConfig;
}

async function cloudOf(site: SimulatedConfig, taskMs: number): Promise<SimulatedCloud> {
  return SimulatedCloud.open({ site, taskMs: () => taskMs, random: new Chance(3) });
}

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

  test("buys nothing by itself where its policy wants that approved, and proposes it once", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    cloud.policy({ autonomy: { buy: "approve", release: "act" } });
    cloud.job("j1", 60, toldBelief(minuteMs), {
      deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
    });
    await cloud.untilEnded("j1", 2 * minuteMs);
    assert.deepEqual(cloud.orders(), []);
    const proposed = [...cloud.rig.space.all("plan")].filter(
      ({ status }) => status.phase === "proposed",
    );
    assert.deepEqual(
      proposed.map(({ status, spec }) => [
        status.job,
        spec.considered.some(({ isPresent, count }) => !isPresent && count > 0),
      ]),
      [["j1", true]],
    );
    const [held] = await cloud.decisions("j1");
    assert.equal(held!.action, "hold");
    assert.match(
      held!.what,
      /^would order \d large of lab: the plan p\w+ waits for canopy approve$/,
    );
    cloud.stop();
  });

  test("gives no machine back by itself where its policy wants that approved; then it does", async () => {
    const cloud = await cloudOf(lab(), minuteMs);
    cloud.machine("here", 2);
    cloud.policy({ autonomy: { buy: "act", release: "approve" } });
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 300, toldBelief(3 * minuteMs), { deadlineAt });
    const { space } = cloud.rig;
    const waiting = () => [...space.all("plan")].find(({ status }) => status.phase === "proposed");
    while (!waiting() && (await cloud.untilEnded("j1", 5_000)) === undefined);
    const plan = waiting()!;
    const { machine } = plan.spec.release!;
    assert.equal(space.get("machine", machine)!.spec.cordoned, false);
    const said = (await cloud.decisions("j1")).find(({ subject }) => subject === machine)!;
    assert.match(said.what, new RegExp(`the plan ${plan.name} waits for canopy approve`));
    cloud.rig.commit((tx) => {
      const status = { phase: "approved", job: "j1", decidedBy: "somebody" } as const;
      const approved = tx.put<"plan">({ ...plan, status });
      releaseByPlan(tx, tx.get("job", "j1")!, approved, cloud.rig.clock.now());
    });
    await cloud.untilEnded("j1", minuteMs);
    const order = cloud.orders().find(({ status }) => status.machine === machine)!;
    assert.ok(["releasing", "released"].includes(order.status.phase), order.status.phase);
    assert.equal(order.status.reason, "the job does without it");
    const endedMs = await cloud.untilEnded("j1", 20 * minuteMs);
    assert.ok(endedMs !== undefined);
    cloud.stop();
  });

  test("only says what it sees where its policy wants no more", async () => {
    for (const [buy, what] of [
      ["observe", "needs more than is there"],
      ["manual", undefined],
    ] as const) {
      const cloud = await cloudOf(lab(), minuteMs);
      cloud.machine("here", 2);
      cloud.policy({ autonomy: { buy, release: "act" } });
      cloud.job("j1", 60, toldBelief(minuteMs), {
        deadlineAt: cloud.rig.clock.now() + 10 * minuteMs,
      });
      await cloud.untilEnded("j1", 2 * minuteMs);
      assert.deepEqual(cloud.orders(), []);
      assert.deepEqual(
        (await cloud.decisions("j1")).map((decision) => decision.what),
        what === undefined ? [] : [what],
      );
      cloud.stop();
    }
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

  test("waits for spot machines that are sold out while the deadline leaves time, and is never late for it", async () => {
    const shape = { milliCpus: 4000, memoryBytes: 8 * GiB };
    const bootMs = { median: 20_000, p90: 30_000 };
    const soldOut = { everyMs: 15 * minuteMs, forMs: 3 * minuteMs };
    const site = siteConfig.parse({
      type: "simulated",
      machinesMax: 2,
      offers: [
        { name: "dear", ...shape, microsPerHour: 900_000, bootMs },
        { name: "spot", ...shape, microsPerHour: 200_000, bootMs, soldOut },
      ],
    }) as SimulatedConfig;
    const cloud = await cloudOf(site, minuteMs);
    cloud.machine("here", 1);
    const { clock } = cloud.rig;
    await clock.advance((20 - ((clock.now() / minuteMs) % 15)) * minuteMs);
    const of = (name: string) => cloud.orders().filter(({ spec }) => spec.offer.name === name);
    const deadlineAt = clock.now() + 60 * minuteMs;
    cloud.job("j1", 300, toldBelief(minuteMs), { deadlineAt });
    const endedMs = await cloud.untilEnded("j1", 90 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 60 * minuteMs, `ended after ${endedMs} ms`);
    assert.ok(of("spot").some(({ status }) => status.phase === "failed"));
    const holds = (await cloud.decisions("j1")).filter(
      ({ what }) => what === "waits for spot machines",
    );
    assert.ok(holds.length >= 2, `it waited ${holds.length} times`);
    assert.match(
      holds[0]!.why[1]!,
      /^lab spot is sold out, and costs 0.05\d* an hour for what lab dear does for 0.225/,
    );
    const cheap = of("spot").length;
    assert.ok(cheap > of("dear").length, `${cheap} of spot, ${of("dear").length} others`);
    const before = of("dear").length;

    // Sold out again, and too little time to wait: what is sure is ordered.
    await clock.advance((15.5 - ((clock.now() / minuteMs) % 15)) * minuteMs);
    cloud.job("j2", 100, toldBelief(minuteMs), { deadlineAt: clock.now() + 20 * minuteMs });
    const tookMs = await cloud.untilEnded("j2", 30 * minuteMs);
    assert.ok(tookMs !== undefined && tookMs <= 20 * minuteMs, `ended after ${tookMs} ms`);
    assert.ok(of("dear").length > before);
    cloud.stop();
  });

  test("orders cheaper machines in place of dear ones when they are to be had again, and gives those back", async () => {
    const shape = { milliCpus: 4000, memoryBytes: 8 * GiB };
    const bootMs = { median: 20_000, p90: 30_000 };
    const site = siteConfig.parse({
      type: "simulated",
      machinesMax: 4,
      offers: [
        { name: "dear", ...shape, microsPerHour: 900_000, bootMs },
        {
          name: "spot",
          ...shape,
          microsPerHour: 200_000,
          bootMs,
          soldOut: { everyMs: 120 * minuteMs, forMs: 20 * minuteMs },
        },
      ],
    }) as SimulatedConfig;
    const cloud = await cloudOf(site, minuteMs);
    cloud.machine("here", 1);
    const { clock } = cloud.rig;
    await clock.advance((120 - ((clock.now() / minuteMs) % 120)) * minuteMs);
    const deadlineAt = clock.now() + 60 * minuteMs;
    cloud.job("j1", 600, toldBelief(minuteMs), { deadlineAt });
    const endedMs = await cloud.untilEnded("j1", 70 * minuteMs);
    assert.ok(endedMs !== undefined && endedMs <= 60 * minuteMs, `ended after ${endedMs} ms`);
    const decisions = await cloud.decisions("j1");
    const exchanged = decisions.find(({ why }) => why[0]?.includes("the change counted"));
    assert.match(exchanged?.what ?? "", /^ordered \d spot of lab$/);
    const released = decisions.filter(({ action }) => action === "release");
    assert.ok(released.length > 0, "nothing was given back");
    const dear = cloud.orders().filter(({ spec }) => spec.offer.name === "dear");
    assert.ok(dear.every(({ status }) => status.phase !== "joined"));
    cloud.stop();
  });
});
