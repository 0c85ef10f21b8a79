import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { limits } from "#/base/limits.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { Autonomy } from "#/model/policy.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { declined } from "../proposals.ts";
import { releaseByPlan } from "../release.ts";
import { cloudOf, lab } from "../testing/lab.ts";
import { SimulatedCloud } from "../testing/simulated-cloud.ts";

const minuteMs = 60_000;
const shape = { milliCpus: 4000, memoryBytes: 8 * 2 ** 30 };
const bootMs = { median: 20_000, p90: 30_000 };

async function cloudWith(offers: object[], machinesMax: number): Promise<SimulatedCloud> {
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
  const cloud = await cloudWith([dear, spot], 12);
  const { clock } = cloud.rig;
  await clock.advance((120 - ((clock.now() / minuteMs) % 120)) * minuteMs);
  cloud.job("j1", 1000, toldBelief(minuteMs), { deadlineAt: clock.now() + 60 * minuteMs });
  await cloud.untilEnded("j1", 19 * minuteMs);
  assert.ok(cloud.orders().length > 0);
  cloud.policy({ autonomy: { buy: level, release: "act" } });
  await cloud.untilEnded("j1", 12 * minuteMs);
  return cloud;
}

/** A job that needs more than is there, and a policy by which that is proposed. */
async function lacking(): Promise<SimulatedCloud> {
  const cloud = await cloudWith([{ name: "large", ...shape, microsPerHour: 600_000, bootMs }], 20);
  cloud.policy({ autonomy: { buy: "approve", release: "act" } });
  const deadlineAt = cloud.rig.clock.now() + 60 * minuteMs;
  cloud.job("j1", 400, toldBelief(minuteMs), { deadlineAt });
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
    const cloud = await lacking();
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
    const cloud = await lacking();
    await cloud.untilEnded("j1", minuteMs);
    const [plan] = plansOf(cloud, "proposed") as [PlanRecord];
    cloud.rig.commit((tx) => {
      tx.put<"plan">(declined(plan, "somebody", cloud.rig.clock.now()));
    });
    await cloud.untilEnded("j1", 2_000);
    cloud.restart();
    await cloud.untilEnded("j1", 20_000);
    assert.deepEqual(plansOf(cloud, "proposed"), []);
    cloud.stop();
  });

  test("withdraws what it has proposed when the policy lets it do that by itself", async () => {
    const cloud = await lacking();
    await cloud.untilEnded("j1", minuteMs);
    assert.equal(plansOf(cloud, "proposed").length, 1);
    cloud.policy({ autonomy: { buy: "act", release: "act" } });
    await cloud.untilEnded("j1", minuteMs);
    assert.ok(cloud.orders().length > 0);
    assert.deepEqual(plansOf(cloud, "proposed"), []);
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
});
