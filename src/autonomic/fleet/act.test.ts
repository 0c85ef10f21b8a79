import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import type { PlanRecord } from "#/model/plan.ts";
import { carryOutFleet } from "./act.ts";
import { decisionsOf, fleet, fleetCloudOf, openOrders } from "./testing/fleet-cloud.ts";

const minuteMs = 60_000;

describe("FleetActs", () => {
  test("only says what it would do where the policy wants no more", async () => {
    for (const [buy, what] of [
      ["observe", /^needs more machines than are there$/],
      ["advise", /^would order \d+ large of lab$/],
      ["manual", undefined],
    ] as const) {
      const cloud = await fleetCloudOf();
      cloud.policy({ fleet, autonomy: { buy, release: "act" } });
      cloud.burst("burst", 100);
      await cloud.pass(minuteMs);
      assert.deepEqual(cloud.orders(), []);
      const decisions = await decisionsOf(cloud);
      if (!what) assert.deepEqual(decisions, []);
      else {
        assert.ok(decisions.length >= 1 && decisions.length <= 3, `${decisions.length} decisions`);
        assert.match(decisions[0]!.what, what);
      }
      cloud.stop();
    }
  });

  test("a policy's approval is a plan: one that waits, and that is done when somebody has approved it", async () => {
    const cloud = await fleetCloudOf();
    cloud.policy({ fleet, autonomy: { buy: "approve", release: "approve" } });
    const { space, clock } = cloud.rig;
    const waiting = () =>
      [...space.all("plan")].filter(({ status }) => status.phase === "proposed");
    const approve = (plan: PlanRecord) =>
      cloud.rig.commit((tx) => {
        const status = {
          phase: "approved",
          decidedAt: clock.now(),
          decidedBy: "somebody",
        } as const;
        const approved = tx.put<"plan">({ ...plan, status });
        carryOutFleet(tx, approved, { offers: cloud.offers(), clock, random: new Chance(5) });
      });
    cloud.burst("burst", 60);
    await cloud.pass(20_000);
    cloud.restart();
    await cloud.pass(20_000);
    assert.deepEqual(cloud.orders(), []);
    const [buy, ...more] = waiting() as [PlanRecord];
    assert.deepEqual(more, []);
    const [said, ...again] = await decisionsOf(cloud);
    assert.match(
      said!.what,
      /^would order \d+ large of lab: the plan p\w+ waits for canopy approve$/,
    );
    assert.deepEqual(again, []);
    approve(buy);
    const bought = openOrders(cloud).length;
    assert.ok(bought > 0);
    await cloud.pass(12 * minuteMs);
    assert.equal(openOrders(cloud).length, bought);
    const [give] = waiting() as [PlanRecord];
    assert.equal(give.spec.fleet!.gives.length, bought);
    approve(give);
    await cloud.pass(10_000);
    assert.deepEqual(openOrders(cloud), []);
    assert.deepEqual(waiting(), []);
    cloud.stop();
  });

  test("withdraws a plan that is not wished for any more", async () => {
    const cloud = await fleetCloudOf();
    cloud.policy({ fleet, autonomy: { buy: "approve", release: "act" } });
    cloud.burst("burst", 20);
    await cloud.pass(20_000);
    const plans = () => [...cloud.rig.space.all("plan")];
    assert.deepEqual(
      plans().map(({ status }) => status.phase),
      ["proposed"],
    );
    await cloud.pass(14 * minuteMs);
    assert.equal(cloud.rig.status("burst/0").succeeded, 20);
    assert.deepEqual(plans(), []);
    cloud.stop();
  });
});
