import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { limits } from "#/base/limits.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { Autonomy } from "#/model/policy.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { SimulatedCloud } from "../testing/simulated-cloud.ts";

const minuteMs = 60_000;
const shape = { milliCpus: 4000, memoryBytes: 8 * 2 ** 30 };
const bootMs = { median: 20_000, p90: 30_000 };

async function cloudOf(offers: object[], machinesMax: number): Promise<SimulatedCloud> {
  const site = siteConfig.parse({ type: "simulated", machinesMax, offers }) as SimulatedConfig;
  const cloud = await SimulatedCloud.open({
    site,
    taskMs: () => minuteMs,
    random: new Chance(3),
  });
  cloud.machine("here", 1);
  return cloud;
}

/** A job on dear machines, from a minute before cheap ones are there again; then buying has that level. */
async function dearlyBought(level: Autonomy): Promise<SimulatedCloud> {
  const soldOut = { everyMs: 120 * minuteMs, forMs: 20 * minuteMs };
  const dear = { name: "dear", ...shape, microsPerHour: 900_000, bootMs, countMax: 6 };
  const spot = { name: "spot", ...shape, microsPerHour: 200_000, bootMs, soldOut, countMax: 6 };
  const cloud = await cloudOf([dear, spot], 12);
  const { clock } = cloud.rig;
  await clock.advance((120 - ((clock.now() / minuteMs) % 120)) * minuteMs);
  cloud.job("j1", 1000, toldBelief(minuteMs), { deadlineAt: clock.now() + 60 * minuteMs });
  await cloud.untilEnded("j1", 19 * minuteMs);
  assert.ok(cloud.orders().length > 0);
  cloud.policy({ autonomy: { buy: level, release: "act" } });
  await cloud.untilEnded("j1", 12 * minuteMs);
  return cloud;
}

function plansOf(cloud: SimulatedCloud, phase: PlanRecord["status"]["phase"]): PlanRecord[] {
  return [...cloud.rig.space.all("plan")].filter(
    ({ spec, status }) => spec.madeBy === "canopy" && status.phase === phase,
  );
}

describe("act()", () => {
  test("says once that it could be cheaper, and not each time that it is asked", async () => {
    const cloud = await dearlyBought("observe");
    const said = (await cloud.decisions("j1")).filter(({ what }) => what === "could be cheaper");
    assert.equal(said.length, 1);
    cloud.stop();
  });

  test("proposes cheaper machines where its policy wants that approved", async () => {
    const cloud = await dearlyBought("approve");
    const spot = cloud.orders().filter(({ spec }) => spec.offer.name === "spot");
    assert.deepEqual(spot, []);
    const proposed = plansOf(cloud, "proposed");
    assert.deepEqual(
      proposed.map(({ status }) => status.job),
      ["j1"],
    );
    const [{ spec, name }] = proposed as [PlanRecord];
    const bought = spec.considered.filter(({ isPresent, count }) => !isPresent && count > 0);
    assert.deepEqual(
      bought.map(({ offer }) => offer),
      ["spot"],
    );
    const said = (await cloud.decisions("j1")).filter(({ what }) => what.includes(name));
    assert.match(
      said[0]!.what,
      /^would order \d spot of lab: the plan p\w+ waits for canopy approve$/,
    );
    cloud.stop();
  });

  test("has one proposal for a job, whatever becomes of it and however often it begins anew", async () => {
    const cloud = await cloudOf([{ name: "large", ...shape, microsPerHour: 600_000, bootMs }], 20);
    cloud.policy({ autonomy: { buy: "approve", release: "act" } });
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 400, toldBelief(minuteMs), { deadlineAt });
    for (let restarts = 0; restarts < 3; restarts++) {
      await cloud.untilEnded("j1", minuteMs);
      cloud.restart();
    }
    const [first, ...more] = plansOf(cloud, "proposed") as [PlanRecord];
    assert.deepEqual(more, []);
    await cloud.untilEnded("j1", limits.planLifeMs);
    const [newest, ...others] = plansOf(cloud, "proposed") as [PlanRecord];
    assert.deepEqual(others, []);
    assert.notEqual(newest.name, first.name);
    const found = cloud.rig.space.find("plan", [first.name]);
    await cloud.rig.clock.advance(0);
    const [replaced] = await found;
    assert.deepEqual([replaced!.status.phase, replaced!.status.decidedBy], ["declined", "canopy"]);
    cloud.stop();
  });

  test("does not propose again what somebody has declined", async () => {
    const cloud = await cloudOf([{ name: "large", ...shape, microsPerHour: 600_000, bootMs }], 20);
    cloud.policy({ autonomy: { buy: "approve", release: "act" } });
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 400, toldBelief(minuteMs), { deadlineAt });
    await cloud.untilEnded("j1", minuteMs);
    const [plan] = plansOf(cloud, "proposed") as [PlanRecord];
    cloud.rig.commit((tx) => {
      const decided = { decidedAt: cloud.rig.clock.now(), decidedBy: "somebody" };
      tx.put<"plan">({ ...plan, status: { ...plan.status, phase: "declined", ...decided } });
    });
    await cloud.untilEnded("j1", 2_000);
    cloud.restart();
    await cloud.untilEnded("j1", 20_000);
    assert.deepEqual(plansOf(cloud, "proposed"), []);
    cloud.stop();
  });

  test("withdraws what it has proposed when the policy lets it do that by itself", async () => {
    const cloud = await cloudOf([{ name: "large", ...shape, microsPerHour: 600_000, bootMs }], 20);
    cloud.policy({ autonomy: { buy: "approve", release: "act" } });
    const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
    cloud.job("j1", 400, toldBelief(minuteMs), { deadlineAt });
    await cloud.untilEnded("j1", minuteMs);
    assert.equal(plansOf(cloud, "proposed").length, 1);
    cloud.policy({ autonomy: { buy: "act", release: "act" } });
    await cloud.untilEnded("j1", minuteMs);
    assert.ok(cloud.orders().length > 0);
    assert.deepEqual(plansOf(cloud, "proposed"), []);
    cloud.stop();
  });
});
