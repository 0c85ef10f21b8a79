import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { hasOrderEnded } from "#/model/order.ts";
import { changed } from "./change.ts";
import { likelyFates } from "./fates.ts";
import { Fork } from "./fork.ts";
import { ForkKnowledge } from "./fork-knowledge.ts";
import { forecast } from "./forecast.ts";
import type { Moment } from "./moment.ts";
import { machineOf, offer, TestCloud, work } from "./testing/cloud.ts";

const options = { seed: 1, forks: 39, limitMs: Infinity };
const still = { monotonicMs: () => 0 };

/** A cloud in which tasks take about a minute, by chance, of which many have ended. */
async function busyCloud() {
  const chance = new Chance(5);
  const fates = { runMs: () => 40_000 + 40_000 * chance.fraction(), fails: () => false };
  const cloud = await TestCloud.open([machineOf("m1", 2), machineOf("m2", 2)], fates);
  cloud.submit("past", { title: "work", steps: [work("a", 200)] });
  await cloud.fork.run(() => false);
  return cloud;
}

describe("forecast()", () => {
  test("tells when jobs end and what they cost, near to how it comes", async () => {
    const cloud = await busyCloud();
    const from = cloud.fork.clock.now();
    cloud.submit("next", { title: "work", steps: [work("a", 100)] });
    await cloud.until(from + 300_000);
    const moment = await cloud.moment();
    const found = await forecast(moment, options, still);
    const { endsAt, costMicros, succeeds } = found.jobs[0]!;
    await cloud.fork.run(() => false);
    const real = cloud.fork.outcomes.get("next")!;
    const leftMs = real.endedAt - moment.now;
    assert.ok(Math.abs(endsAt!.p50 - real.endedAt) < 0.2 * leftMs);
    assert.ok(endsAt!.p90 - endsAt!.p10 < 0.2 * leftMs);
    assert.ok(Math.abs(costMicros!.p50 / real.usage.costMicros! - 1) < 0.15);
    assert.equal(succeeds, 1);
  });

  test("is the same for the same seed, and another for another", async () => {
    const cloud = await busyCloud();
    cloud.submit("next", { title: "work", steps: [work("a", 10)] });
    const moment = await cloud.moment();
    const [one, same, other] = await Promise.all([
      forecast(moment, options, still),
      forecast(structuredClone(moment), options, still),
      forecast(moment, { ...options, seed: 2 }, still),
    ]);
    assert.deepEqual(one, same);
    assert.notDeepEqual(one, other);
  });

  test("is wide where nothing is known, and narrows as tasks end", async () => {
    const chance = new Chance(9);
    const fates = { runMs: () => 60_000 + 10_000 * chance.fraction(), fails: () => false };
    const cloud = await TestCloud.open([machineOf("m", 4)], fates);
    cloud.submit("j", { title: "new", steps: [work("a", 400)] });
    const relative = async () => {
      const { jobs, at } = await forecast(await cloud.moment(), options, still);
      const { p10, p90 } = jobs[0]!.endsAt!;
      return (p90 - at) / (p10 - at);
    };
    const before = await relative();
    await cloud.until(1_000_000);
    const after = await relative();
    assert.ok(before > 3 && after < 1.2, `${before}, then ${after}`);
  });

  test("says that a job ends in no fork when nothing can run it", async () => {
    const cloud = await busyCloud();
    cloud.submit("large", { title: "large", steps: [work("b", 1, { cpus: 16 })] });
    const found = await forecast(await cloud.moment(), { ...options, forks: 3 }, still);
    const { endsAt, ends } = found.jobs[0]!;
    assert.equal(endsAt, undefined);
    assert.equal(ends, 0);
  });

  test("stops when its time is over, with what it has", async () => {
    const cloud = await busyCloud();
    cloud.submit("next", { title: "work", steps: [work("a", 10)] });
    let nowMs = 0;
    const slow = { monotonicMs: () => (nowMs += 1) };
    const found = await forecast(await cloud.moment(), { ...options, limitMs: 400 }, slow);
    assert.ok(found.isCutShort);
    assert.ok(found.forks >= 1 && found.forks < 39);
  });

  test("says nothing of jobs that had not ended when its only fork was given up", async () => {
    const cloud = await busyCloud();
    cloud.submit("short", { title: "work", steps: [work("a", 1)] });
    cloud.submit("long", { title: "work", steps: [work("a", 4000)] });
    let nowMs = 0;
    const slow = { monotonicMs: () => (nowMs += 1) };
    const limit = { ...options, limitMs: 400 };
    const found = await forecast(await cloud.moment(), limit, slow);
    const [short, long] = ["short", "long"].map((name) =>
      found.jobs.find(({ job }) => job === name),
    );
    assert.ok(found.isCutShort);
    assert.deepEqual([short!.ends, short!.succeeds], [1, 1]);
    assert.deepEqual(long, { job: "long", isPartial: false });
    const { allEndAt, machinesMicros } = found;
    assert.deepEqual([allEndAt, machinesMicros], [undefined, undefined]);
    const one = await forecast(await cloud.moment(), { ...limit, forks: 1 }, slow);
    assert.ok(one.isCutShort);
  });
});

describe("machines that are not there yet", () => {
  test("count from when they have booted: those that were ordered, and those of an offer", async () => {
    const cloud = await busyCloud();
    cloud.submit("next", { title: "work", steps: [work("a", 100)] });
    await cloud.until(cloud.fork.clock.now() + 1);
    const endOf = async (moment: Moment) =>
      (await forecast(moment, options, still)).jobs[0]!.endsAt!.p50 - moment.now;
    const before = await cloud.moment();
    const what = { add: [{ count: 1, offer }], remove: [] };
    const offered = await endOf(changed(before, what));
    const now = cloud.fork.clock.now();
    cloud.fork.space.commit((tx) =>
      tx.put<"order">({
        kind: "order",
        project: "",
        name: "o1",
        spec: { site: "far", offer, orderedAt: now, askedBy: "test" },
        status: { phase: "booting", since: now },
      }),
    );
    const ordered = await endOf(await cloud.moment());
    assert.equal(Math.round(ordered), Math.round(offered));
    // a hundred minutes on four CPUs, and on twelve of them after two minutes
    assert.ok((await endOf(before)) > 1.8 * ordered);
    assert.ok(ordered > 120_000);
  });

  test("cost what their site asks, and an unknown price makes the sum unknown", async () => {
    const cloud = await busyCloud();
    cloud.submit("next", { title: "work", steps: [work("a", 20)] });
    const moment = await cloud.moment();
    const cost = async (microsPerHour: number | undefined) => {
      const what = { add: [{ count: 1, offer: { ...offer, microsPerHour } }], remove: [] };
      return (await forecast(changed(moment, what), { ...options, forks: 5 }, still))
        .machinesMicros;
    };
    assert.ok((await cost(4_000_000))!.p50 > (await cost(400_000))!.p50);
    assert.equal(await cost(undefined), undefined);
  });
});

describe("changed()", () => {
  test("more machines end the work sooner, fewer later, and what ran on those begins again", async () => {
    const cloud = await busyCloud();
    const from = cloud.fork.clock.now();
    cloud.submit("next", { title: "work", steps: [work("a", 100)] });
    await cloud.until(from + 30_000);
    const moment = await cloud.moment();
    const endOf = async (change: Parameters<typeof changed>[1]) =>
      (await forecast(changed(moment, change), options, still)).jobs[0]!.endsAt!.p50 - moment.now;
    const asIs = await endOf({ add: [], remove: [] });
    const more = await endOf({ add: [{ count: 2, like: "lab", bootMs: 0 }], remove: [] });
    const late = await endOf({ add: [{ count: 2, like: "m1", bootMs: 600_000 }], remove: [] });
    const fewer = await endOf({ add: [], remove: ["m2"] });
    assert.ok(Math.abs(asIs / more - 2) < 0.25, `${asIs} against ${more}`);
    assert.ok(late > more && late < asIs);
    assert.ok(Math.abs(fewer / asIs - 2) < 0.25);
  });

  test("another policy lets short jobs pass long ones", async () => {
    const cloud = await busyCloud();
    cloud.submit("long", { title: "work", steps: [work("a", 200)] });
    await cloud.until(cloud.fork.clock.now() + 1000);
    cloud.submit("short", { title: "work", steps: [work("a", 4)] });
    const moment = await cloud.moment();
    const endOf = async (policy: "first-come" | "shortest-first") => {
      const after = changed(moment, { add: [], remove: [], policy });
      const { jobs } = await forecast(after, { ...options, forks: 9 }, still);
      return jobs.find(({ job }) => job === "short")!.endsAt!.p50 - moment.now;
    };
    assert.ok((await endOf("shortest-first")) * 5 < (await endOf("first-come")));
  });

  test("a machine that is not there cannot be removed, nor one added like it", async () => {
    const moment = await (await busyCloud()).moment();
    const wrong = /must be connected|must be an offer/;
    assert.throws(() => changed(moment, { add: [], remove: ["m9"] }), wrong);
    const like = [{ count: 1, like: "nowhere", bootMs: 0 }];
    assert.throws(() => changed(moment, { add: like, remove: [] }), wrong);
  });
});

describe("machines that a project's jobs share", () => {
  const fleet = { waitMsMax: 60_000, machinesMin: 0, machinesMax: 3, idleMs: 60_000 };

  test("are bought in a fork as the policy says, and end what waits sooner", async () => {
    const few = { ...options, forks: 8 };
    const cloud = await busyCloud();
    cloud.offers = [offer];
    cloud.submit("next", { title: "work", steps: [work("a", 400)] });
    const without = await forecast(await cloud.moment(), few, still);
    assert.equal(without.machinesBought, undefined);
    cloud.share(fleet);
    const moment = await cloud.moment();
    const found = await forecast(moment, few, still);
    assert.deepEqual(found.machinesBought, { p10: 3, p50: 3, p90: 3 });
    assert.ok(found.allEndAt!.p90 - found.at < 0.7 * (without.allEndAt!.p10 - without.at));
    assert.ok(found.machinesMicros!.p50 > 0);
    assert.deepEqual(await forecast(moment, few, still), found);
    // What was bought in a fork was not bought.
    assert.deepEqual([...cloud.fork.space.all("order")], []);
  });

  test("would be bought under a policy that a project does not have yet", async () => {
    const cloud = await busyCloud();
    cloud.offers = [offer];
    cloud.submit("next", { title: "work", steps: [work("a", 400)] });
    const without = await cloud.moment(true);
    const autonomy = { buy: "act", release: "act", heal: "act", shift: "act" } as const;
    const rules = { type: "autonomic", timeZone: "UTC", autonomy, fleet } as const;
    const policy = { title: "policy.yaml", rules, project: "p" };
    const few = { ...options, forks: 5 };
    const as = await forecast(without, few, still);
    const would = await forecast(changed(without, { add: [], remove: [], policy }), few, still);
    assert.equal(as.machinesBought!.p90, 0);
    assert.equal(would.machinesBought!.p50, 3);
    assert.ok(would.allEndAt!.p90 < as.allEndAt!.p10);
  });

  test("are given back in a fork when nothing needs them any more", async () => {
    const cloud = await busyCloud();
    cloud.offers = [offer];
    cloud.share(fleet);
    cloud.submit("burst", { title: "work", steps: [work("a", 60)] });
    const moment = await cloud.moment();
    const fork = await Fork.open(moment, likelyFates(moment.runTimes, 1, 0));
    await fork.run(() => false);
    const orders = [...fork.space.all("order")];
    assert.ok(orders.length > 0 && orders.every(hasOrderEnded));
    assert.equal(fork.sites!.bought, orders.length);
    const endedAt = fork.outcomes.get("burst")!.endedAt;
    assert.ok(orders.every(({ status }) => status.endedAt! < endedAt + 5 * 60_000));
  });

  test("are looked after in a fork as often as they have to wait, not at each event", async () => {
    const recurring = mock.method(ForkKnowledge.prototype, "recurring"); // asked at each look
    const cloud = await TestCloud.open([machineOf("m", 1)], {
      runMs: () => 2_000,
      fails: () => false,
    });
    cloud.offers = [offer];
    cloud.share({ ...fleet, waitMsMax: 1_200_000 });
    cloud.submit("long", { title: "work", steps: [work("a", 300)] });
    const moment = await cloud.moment();
    const fork = await Fork.open(moment, { runMs: () => 2_000, fails: () => false });
    recurring.mock.resetCalls();
    await fork.run(() => false);
    recurring.mock.restore();
    assert.equal(fork.outcomes.get("long")!.endedAt - moment.now, 600_000);
    const looks = recurring.mock.callCount();
    assert.ok(looks >= 10 && looks <= 25, `${looks} looks in 10 min with one a minute`);
  });

  test("do not keep a fork going when nothing that may be bought can run what waits", async () => {
    const cloud = await busyCloud();
    cloud.offers = [offer];
    cloud.share(fleet);
    cloud.submit("large", { title: "large", steps: [work("b", 1, { cpus: 16 })] });
    let asked = 0;
    const counting = { monotonicMs: () => (asked += 0.001) };
    const found = await forecast(await cloud.moment(), { ...options, forks: 3 }, counting);
    assert.equal(found.jobs[0]!.ends, 0);
    assert.equal(found.forks, 3);
  });
});
