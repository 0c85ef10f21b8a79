import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { isFleetOrder } from "#/model/order.ts";
import type { FleetPolicy } from "#/model/policy.ts";
import type { QuotaSpec } from "#/model/quota.ts";
import { SimulatedCloud } from "../testing/simulated-cloud.ts";
import { lab } from "../testing/lab.ts";
import { fleet } from "./testing/fleet-cloud.ts";

const minuteMs = 60_000;
const twoCpus = { milliCpus: 2000 };

/** How many machines are ordered for a hundred minutes of work of a project with that quota, beside a large machine that is shared. */
async function orderedUnder(
  quota: QuotaSpec,
  prepare: (cloud: SimulatedCloud) => void = () => {},
): Promise<number> {
  const random = new Chance(3);
  const cloud = await SimulatedCloud.open({ site: lab(), taskMs: () => minuteMs, random });
  cloud.rig.project("p", 1, quota);
  cloud.rig.project("q", 1, { quota: { milliCpus: 62_000 }, cohort: "all" });
  prepare(cloud);
  cloud.machine("here", 64);
  cloud.policy({ fleet });
  cloud.burst("burst", 100);
  await cloud.pass(8 * minuteMs);
  assert.equal(cloud.rig.status("burst/0").succeeded, 100);
  cloud.stop();
  return cloud.orders().length;
}

/** How many machines are ordered in the first minute for a job that its project's policy gives a deadline, and how many for itself. */
async function orderedFor(more: {
  deadlineMs?: number;
  fleet?: FleetPolicy;
}): Promise<{ all: number; own: number }> {
  const random = new Chance(3);
  const cloud = await SimulatedCloud.open({ site: lab(), taskMs: () => minuteMs, random });
  cloud.machine("here", 2);
  if (more.fleet) cloud.policy({ fleet: more.fleet });
  cloud.burst("before", 30, "known");
  await cloud.pass(40 * minuteMs);
  const before = cloud.orders().length;
  cloud.burst("burst", 100, "known");
  cloud.rig.commit((tx) => {
    const { spec, ...job } = tx.get("job", "burst")!;
    const { deadlineMs } = more;
    if (deadlineMs === undefined) return;
    const goal = { plan: "", objective: "cost", deadlineAt: cloud.rig.clock.now() + deadlineMs };
    tx.put<"job">({ ...job, spec: { ...spec, goal: goal as never } });
  });
  await cloud.pass(minuteMs);
  cloud.stop();
  const orders = cloud.orders().slice(before);
  return { all: orders.length, own: orders.filter((order) => !isFleetOrder(order)).length };
}

test("a deadline by a project's policy and its fleet are not bought for twice", async () => {
  const deadlineMs = 15 * minuteMs;
  const deadline = await orderedFor({ deadlineMs });
  const shared = await orderedFor({ fleet });
  const both = await orderedFor({ deadlineMs, fleet });
  assert.ok(deadline.own > 0 && shared.all > 0 && shared.own === 0);
  const most = Math.max(deadline.all, shared.all);
  assert.ok(both.all <= most + 1, `${both.all} of both, ${deadline.all} and ${shared.all} alone`);
});

describe("Present", () => {
  test("counts on shared machines as far as its project's quota goes, and what is its own in full", async () => {
    assert.ok((await orderedUnder({ quota: twoCpus })) > 0);
  });

  test("counts on what its project may borrow", async () => {
    assert.equal(await orderedUnder({ quota: twoCpus, cohort: "all" }), 0);
    const borrow = { milliCpus: 60_000 };
    assert.equal(await orderedUnder({ quota: twoCpus, cohort: "all", borrow }), 0);
    const none = { milliCpus: 0 };
    assert.ok((await orderedUnder({ quota: twoCpus, cohort: "all", borrow: none })) > 0);
  });

  test("counts on all of them without a quota", async () => {
    assert.equal(await orderedUnder({}), 0);
  });

  test("counts on what runs the tasks, although a machine that cannot has joined before", async () => {
    const quota = { milliCpus: 64_000 };
    const unfit = ({ rig }: SimulatedCloud) => {
      rig.machine("unfit", { cpus: 64, drivers: [] });
      rig.agent("unfit");
    };
    assert.equal(await orderedUnder({ quota }, unfit), 0);
  });
});
