import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CanopyError } from "#/base/errors.ts";
import { Chance } from "#/base/chance.ts";
import { isFleetOrder } from "#/model/order.ts";
import { autonomicPolicyName } from "#/model/policy.ts";
import { SimulatedCloud } from "../testing/simulated-cloud.ts";
import { lab } from "../testing/lab.ts";
import { decisionsOf, fleet, fleetCloudOf, openOrders } from "./testing/fleet-cloud.ts";

const minuteMs = 60_000;
const GiB = 2 ** 30;

const isWaiting = (cloud: SimulatedCloud) => cloud.rig.scheduler.waiting().length > 0;

describe("startFleet()", () => {
  test("orders machines when tasks would wait too long, lets none wait longer, and gives all back", async () => {
    const cloud = await fleetCloudOf();
    cloud.burst("before", 4);
    await cloud.pass(6 * minuteMs);
    assert.deepEqual(openOrders(cloud), []);
    cloud.burst("burst", 100);
    const began = cloud.rig.clock.monotonicMs();
    let waitedMs = 0;
    await cloud.pass(4 * minuteMs, () => {
      if (isWaiting(cloud)) waitedMs = cloud.rig.clock.monotonicMs() - began;
    });
    assert.ok(waitedMs > 30_000 && waitedMs <= 2 * minuteMs, `the last began after ${waitedMs} ms`);
    const machines = openOrders(cloud);
    assert.ok(machines.every(({ project, spec }) => project === "p" && spec.job === undefined));
    await cloud.pass(10 * minuteMs);
    assert.equal(cloud.rig.status("burst/0").succeeded, 100);
    assert.deepEqual(openOrders(cloud), []);
    assert.deepEqual((await cloud.site.held()).machines, []);
    const decisions = await decisionsOf(cloud);
    const buy = decisions.find(({ action }) => action === "buy")!;
    assert.match(buy.why[0]!, /^98 tasks wait, and the machines at hand can begin \d+ of them/);
    assert.match(buy.flip!, /^with a waitMax of .* nothing would have been needed$/);
    assert.ok(
      decisions.some(({ action, why }) => action === "release" && /idle|nothing/.test(why[0]!)),
    );
    cloud.stop();
  });

  test("buys nothing while what is there begins all in time, and none for a job that keeps a goal", async () => {
    const cloud = await fleetCloudOf();
    cloud.burst("small", 4);
    await cloud.pass(5 * minuteMs);
    assert.deepEqual(cloud.orders(), []);
    cloud.stop();
  });

  test("buys for a job that only keeps what its project's policy says of all", async () => {
    const cloud = await fleetCloudOf();
    cloud.burst("bounded", 100);
    cloud.rig.commit((tx) => {
      const { spec, ...job } = tx.get("job", "bounded")!;
      const goal = { plan: "", objective: "cost", budgetMicros: 100e6 } as const;
      tx.put({ ...job, spec: { ...spec, goal } });
    });
    await cloud.pass(2 * minuteMs);
    assert.ok(cloud.orders().length > 0);
    assert.ok(cloud.orders().every(isFleetOrder));
    cloud.stop();
  });

  test("crosses neither machinesMax nor budgetPerHour, and says what holds it back", async () => {
    for (const [bound, most, why] of [
      [{ machinesMax: 3 }, 3, /machinesMax is 3/],
      [{ budgetMicrosPerHour: 1_300_000 }, 2, /than the 1.30 of budgetPerHour/],
    ] as const) {
      const cloud = await fleetCloudOf(bound);
      cloud.burst("burst", 400);
      let largest = 0;
      await cloud.pass(10 * minuteMs, () => {
        largest = Math.max(largest, openOrders(cloud).length);
      });
      assert.equal(largest, most);
      const decisions = await decisionsOf(cloud);
      assert.ok(decisions.length < 6, `${decisions.length} decisions`);
      assert.ok(decisions.some(({ why: of }) => of.some((line) => why.test(line))));
      cloud.stop();
    }
  });

  test("keeps what is paid for until shortly before more of it would be billed", async () => {
    const site = lab({ priceGranularityMs: 60 * minuteMs });
    const cloud = await fleetCloudOf({ machinesMax: 4 }, { site });
    cloud.burst("burst", 60);
    await cloud.pass(50 * minuteMs);
    assert.equal(cloud.rig.status("burst/0").succeeded, 60);
    assert.equal(openOrders(cloud).length, 4);
    await cloud.pass(15 * minuteMs);
    assert.deepEqual(openOrders(cloud), []);
    assert.ok(cloud.orders().every(({ status }) => status.costMicros === 600_000));
    cloud.stop();
  });

  test("in no hour more is billed than budgetPerHour, whatever comes and goes", async () => {
    const budget = 2_000_000;
    const site = lab({ priceGranularityMs: 10 * minuteMs, billedMsMin: 20 * minuteMs });
    const cloud = await fleetCloudOf(
      { budgetMicrosPerHour: budget, idleMs: 30_000 },
      { site, taskMs: 3 * minuteMs },
    );
    const chance = new Chance(11);
    let number = 0;
    await cloud.pass(150 * minuteMs, () => {
      if (chance.fraction() < 1 / 1200)
        cloud.burst(`b${number++}`, 1 + Math.floor(chance.fraction() * 40));
    });
    const bills = cloud.orders().flatMap(({ spec, status }) => {
      const from = status.billedFrom ?? spec.orderedAt;
      const until = status.endedAt ?? cloud.rig.clock.now();
      const units = Math.max(2, Math.ceil((until - from) / (10 * minuteMs)));
      // Each unit when it is begun; the least time at once.
      return Array.from({ length: units }, (_, unit) => ({
        at: from + (unit < 2 ? 0 : unit * 10 * minuteMs),
        micros: 100_000,
      }));
    });
    assert.ok(cloud.orders().length > 1 && bills.length > 10, `${bills.length} bills`);
    for (const { at } of bills) {
      const hour = bills.filter((bill) => bill.at >= at && bill.at < at + 60 * minuteMs);
      const sum = hour.reduce((total, { micros }) => total + micros, 0);
      assert.ok(sum <= budget, `${sum} from ${at} on`);
    }
    cloud.stop();
  });

  test("keeps machinesMin, and gives all back when the policy has no fleet any more", async () => {
    const cloud = await fleetCloudOf({ machinesMin: 2 });
    await cloud.pass(10 * minuteMs);
    assert.equal(openOrders(cloud).length, 2);
    assert.equal(cloud.orders().length, 2);
    cloud.burst("work", 12);
    await cloud.pass(10_000);
    cloud.policy({});
    await cloud.pass(4 * minuteMs);
    assert.deepEqual(openOrders(cloud), []);
    await cloud.pass(10 * minuteMs);
    assert.equal(cloud.rig.status("work/0").lost, 0);
    cloud.stop();
  });

  test("takes machines out of use that the others can carry, and loses no work by it", async () => {
    const cloud = await fleetCloudOf({ idleMs: minuteMs });
    cloud.burst("burst", 120);
    await cloud.pass(2 * minuteMs);
    const many = openOrders(cloud).length;
    assert.ok(many >= 4);
    let number = 0;
    // Ever one task on about every machine: none is ever idle for long.
    await cloud.pass(25 * minuteMs, () => {
      if (cloud.rig.clock.monotonicMs() % 10_000 < 1000) cloud.burst(`one${number++}`, 1);
    });
    const few = openOrders(cloud).length;
    assert.ok(few <= 2, `${few} of ${many} are left`);
    const drained = (await decisionsOf(cloud)).filter(({ what }) => /out of use/.test(what));
    assert.ok(drained.length >= 1);
    assert.match(drained[0]!.why[0]!, /^the \d+ other machines can carry what it does/);
    cloud.stop();
  });

  test("buys for what can be run, and gives back what is idle, while something waits that nothing can run", async () => {
    const cloud = await fleetCloudOf();
    cloud.rig.step("never/0", 3, {
      needs: { milliCpus: 1000, memoryBytes: 0, labels: { gpu: "yes" } },
    });
    cloud.burst("burst", 60);
    await cloud.pass(10_000);
    assert.ok(openOrders(cloud).length > 0);
    const [buy] = await decisionsOf(cloud);
    assert.match(buy!.why.at(-1)!, /^3 tasks of .*: no offer can run them in time$/);
    await cloud.pass(14 * minuteMs);
    assert.equal(cloud.rig.status("burst/0").succeeded, 60);
    assert.deepEqual(openOrders(cloud), []);
    cloud.stop();
  });

  test("looks after a project as ever while another one has a shorter idleFor", async () => {
    const cloud = await fleetCloudOf({ idleMs: 2 * minuteMs });
    cloud.rig.commit((tx) =>
      tx.put<"policy">({
        kind: "policy",
        project: "other",
        name: autonomicPolicyName("other"),
        spec: {
          type: "autonomic",
          timeZone: "UTC",
          autonomy: {},
          fleet: { ...fleet, idleMs: 10_000 },
        },
        status: {},
      }),
    );
    cloud.burst("burst", 120);
    await cloud.pass(2 * minuteMs);
    const many = openOrders(cloud).length;
    let number = 0;
    await cloud.pass(25 * minuteMs, () => {
      if (cloud.rig.clock.monotonicMs() % 10_000 < 1000) cloud.burst(`one${number++}`, 1);
    });
    const few = openOrders(cloud).length;
    assert.ok(few <= 2, `${few} of ${many} are left`);
    cloud.stop();
  });

  test("asks again what to buy while the wall clock was set back", async () => {
    const cloud = await fleetCloudOf({}, { site: lab({}, { machinesMax: 1 }) });
    await cloud.pass(5_000);
    await cloud.site.acquire({ name: "orphan", offer: "large", urls: [], token: "" });
    await cloud.pass(2_000);
    cloud.burst("burst", 60);
    await cloud.pass(5_000);
    assert.deepEqual(openOrders(cloud), []);
    cloud.rig.clock.setWall(cloud.rig.clock.now() - 60 * minuteMs);
    // What nobody ordered is given back meanwhile.
    await cloud.pass(3 * minuteMs);
    assert.ok(openOrders(cloud).length > 0);
    cloud.stop();
  });

  test("buys for all members of a gang at once: none of them begins after another", async () => {
    const cloud = await fleetCloudOf({ waitMsMax: 60 * minuteMs });
    cloud.burst("before", 4);
    await cloud.pass(5 * minuteMs);
    cloud.rig.step("gang/0", 10, { spec: { gang: {} } });
    await cloud.pass(5_000);
    assert.equal(openOrders(cloud).length, 2);
    cloud.stop();
  });

  test("takes the next offer where a site gives none of the best, and asks for that again later", async () => {
    const dear = { name: "dear", milliCpus: 4000, memoryBytes: 8 * GiB, microsPerHour: 900_000 };
    const boot = { median: 20_000, p90: 30_000 };
    const site = lab();
    site.offers.push({ ...site.offers[0]!, ...dear, bootMs: boot });
    let calls = 0;
    const cloud = await SimulatedCloud.open({
      site,
      taskMs: () => minuteMs,
      random: new Chance(3),
      fault: () => (calls++ < 3 ? new CanopyError("no-capacity", "sold out") : undefined),
    });
    cloud.machine("here", 2);
    cloud.policy({ fleet: { ...fleet, machinesMax: 2 } });
    cloud.burst("burst", 40);
    await cloud.pass(10_000);
    const asked = cloud.orders().map(({ spec, status }) => [spec.offer.name, status.phase]);
    assert.deepEqual(asked, [
      ["large", "failed"],
      ["large", "failed"],
      ["dear", "booting"],
      ["dear", "booting"],
    ]);
    const [large] = cloud.knowledge.offers(cloud.offers());
    assert.match(large!.rests!, /^its site gave none/);
    await cloud.pass(30_000);
    assert.equal(cloud.knowledge.offers(cloud.offers())[0]!.rests, undefined);
    assert.equal(cloud.knowledge.learnedOf(large!)!.refused, 2);
    cloud.stop();
  });

  test("buys ahead for a job that comes by the clock, where machines boot for longer than it may wait", async () => {
    const everyMs = 12 * minuteMs;
    const site = lab({ bootMs: { median: 3 * minuteMs, p90: 3 * minuteMs } });
    const cloud = await fleetCloudOf({ waitMsMax: minuteMs, idleMs: minuteMs }, { site });
    const waits: number[] = [];
    for (let number = 0; number < 6; number++) {
      const began = cloud.rig.clock.monotonicMs();
      let waitedMs = 0;
      cloud.burst(`j${number}`, 24, "nightly");
      await cloud.pass(everyMs, () => {
        if (isWaiting(cloud)) waitedMs = cloud.rig.clock.monotonicMs() - began;
      });
      waits.push(waitedMs);
    }
    // Four times it waited for machines to boot; then they were there.
    assert.ok(
      waits.slice(0, 4).every((ms) => ms > 2 * minuteMs),
      waits.join(),
    );
    assert.ok(
      waits.slice(4).every((ms) => ms <= minuteMs),
      waits.join(),
    );
    // One that does not come any more is waited for a while, and then no longer.
    await cloud.pass(20 * minuteMs);
    assert.deepEqual(openOrders(cloud), []);
    const ahead = (await decisionsOf(cloud)).find(({ why }) => /are expected/.test(why[0]!));
    assert.match(
      ahead!.why[0]!,
      /: the job 'nightly' has come 4 times, every 12m00s, and is expected at/,
    );
    cloud.stop();
  });

  test("comes to rest under a constant load: no machine is bought and given back again and again", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perMinute: fc.integer({ min: 1, max: 20 }),
          taskMs: fc.constantFrom(5_000, 20_000, 60_000, 200_000),
          waitMsMax: fc.constantFrom(20_000, 60_000, 300_000),
          idleMs: fc.constantFrom(20_000, 60_000),
        }),
        async ({ perMinute, taskMs, waitMsMax, idleMs }) => {
          const cloud = await fleetCloudOf({ waitMsMax, idleMs, machinesMax: 50 }, { taskMs });
          let number = 0;
          let owed = 0;
          const load = () => {
            owed += perMinute / 60;
            for (; owed >= 1; owed--) cloud.burst(`c${number++}`, 1);
          };
          await cloud.pass(20 * minuteMs, load);
          const before = cloud.orders().length;
          await cloud.pass(20 * minuteMs, load);
          const bought = cloud.orders().length - before;
          cloud.stop();
          assert.ok(bought <= 2, `${bought} more were bought in the second half, after ${before}`);
        },
      ),
      { numRuns: 3 },
    );
  });
});
