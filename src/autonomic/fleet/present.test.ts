import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
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
