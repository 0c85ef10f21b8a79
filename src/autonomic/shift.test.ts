import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import type { JobHold } from "#/model/job.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { SimulatedCloud } from "./testing/simulated-cloud.ts";
import { hourMs } from "#/model/units.ts";

const minuteMs = 60_000;

const lab = siteConfig.parse({
  type: "simulated",
  offers: [
    { name: "none", milliCpus: 1000, memoryBytes: 1, bootMs: { median: 1, p90: 1 }, countMax: 0 },
  ],
}) as SimulatedConfig;

/** Two CPUs, and tasks of a minute: 20 minutes of work when nothing else is said. The clock begins at a whole hour. */
async function cloudOf(
  power: readonly number[],
  deadlineMs: number,
  tasks = 40,
): Promise<SimulatedCloud> {
  const cloud = await SimulatedCloud.open({
    site: lab,
    taskMs: () => minuteMs,
    random: new Chance(3),
  });
  const { clock } = cloud.rig;
  await clock.advance(hourMs - (clock.now() % hourMs));
  cloud.power(power);
  cloud.job("j1", tasks, toldBelief(minuteMs), {
    objective: "carbon",
    deadlineAt: clock.now() + deadlineMs,
  });
  cloud.machine("here", 2);
  return cloud;
}

const heldOf = (cloud: SimulatedCloud) => cloud.rig.space.get("job", "j1")!.status.held;

describe("Shifts", () => {
  test("lets a job wait for the cleanest hours, says why, and ends it in time", async () => {
    const cloud = await cloudOf([400, 300, 100, 390, 400], 5 * hourMs);
    const began = cloud.rig.clock.now();
    await cloud.untilEnded("j1", 10 * minuteMs);
    const held = heldOf(cloud)!;
    assert.equal(held.until, began + 2 * hourMs);
    assert.equal(Math.round(held.savingShare * 100), 75);
    const [first] = cloud.rig.scheduler.explainJob("j1");
    assert.match(
      first!.sentence,
      /^it waits until about .*400 gCO2\/kWh now.*100 gCO2\/kWh when.*75 % less CO2/,
    );
    assert.match(
      first!.flip!,
      /^with no more than .* until its deadline, or with power of no more than/,
    );
    const endedMs = await cloud.untilEnded("j1", 6 * hourMs);
    const ended = endedMs! + 10 * minuteMs;
    assert.ok(ended > 2 * hourMs && ended < 3 * hourMs, `ended after ${ended / minuteMs} minutes`);
    const decisions = (await cloud.decisions("j1")).filter(({ action }) => action === "shift");
    assert.deepEqual(
      decisions.map(({ what }) => what.replace(/until \S+/, "until T")),
      ["lets it wait until T for cleaner power, 75 % less CO2", "let it go on"],
    );
    cloud.stop();
  });

  test("goes on in time for its deadline, however clean power will be after it", async () => {
    const cloud = await cloudOf([400, 300, 200, 100, 50, 1], 2 * hourMs);
    const endedMs = await cloud.untilEnded("j1", 4 * hourMs);
    assert.ok(
      endedMs! > hourMs && endedMs! <= 2 * hourMs,
      `ended after ${endedMs! / minuteMs} minutes`,
    );
    cloud.stop();
  });

  test("does not wait where that saves nothing, or nobody knows how clean power is", async () => {
    for (const power of [[200, 200, 200], [100, 200, 300], []]) {
      const cloud = await cloudOf(power, 2 * hourMs);
      const endedMs = await cloud.untilEnded("j1", 2 * hourMs);
      assert.ok(endedMs! < 25 * minuteMs, `ended after ${endedMs! / minuteMs} minutes`);
      cloud.stop();
    }
  });

  test("waits on after its control plane was killed, and decides anew when more is known", async () => {
    const cloud = await cloudOf([400, 400, 100, 400, 400], 5 * hourMs);
    await cloud.untilEnded("j1", 5 * minuteMs);
    assert.ok(heldOf(cloud));
    cloud.restart();
    await cloud.untilEnded("j1", 5 * minuteMs);
    assert.equal(heldOf(cloud)!.until % hourMs, 0);
    const until = heldOf(cloud)!.until;
    cloud.power([400, 90, 400, 400, 400]);
    await cloud.untilEnded("j1", minuteMs);
    assert.equal(heldOf(cloud)!.until, until - hourMs);
    cloud.power([80, 400, 400, 400, 400]);
    const endedMs = await cloud.untilEnded("j1", hourMs);
    assert.ok(endedMs! < 25 * minuteMs, `ended after ${endedMs! / minuteMs} minutes`);
    cloud.stop();
  });

  test("waits on while its machines are away, as after a start", async () => {
    const cloud = await cloudOf([400, 100, 400], 2 * hourMs);
    await cloud.untilEnded("j1", minuteMs);
    assert.ok(heldOf(cloud));
    cloud.away("here");
    cloud.restart();
    await cloud.untilEnded("j1", 10 * minuteMs);
    assert.ok(heldOf(cloud));
    await cloud.untilEnded("j1", 1.5 * hourMs);
    assert.equal(heldOf(cloud), undefined);
    cloud.stop();
  });

  test("keeps the deadline when the wall clock is set, forward and back", async () => {
    for (const byMs of [-10 * hourMs, 10 * hourMs]) {
      const cloud = await cloudOf([400, 300, 200, 190, 180, 100], 3 * hourMs);
      await cloud.untilEnded("j1", 10 * minuteMs);
      assert.ok(heldOf(cloud));
      cloud.rig.clock.setWall(cloud.rig.clock.now() + byMs);
      const endedMs = await cloud.untilEnded("j1", 4 * hourMs);
      assert.ok(
        endedMs! <= 3 * hourMs - 10 * minuteMs,
        `ended after ${endedMs! / minuteMs} minutes`,
      );
      cloud.stop();
    }
  });

  test("pauses a job that runs while power is dirty, and ends what is under way", async () => {
    const cloud = await cloudOf([100, 400, 110, 120, 400, 400], 6 * hourMs, 240);
    const { space } = cloud.rig;
    const done = () => space.get("step", "j1/0")!.status.succeeded;
    await cloud.untilEnded("j1", 65 * minuteMs);
    const before = done();
    assert.ok(before > 110 && before < 130, `${before} tasks in the first hour`);
    assert.ok(heldOf(cloud));
    await cloud.untilEnded("j1", 50 * minuteMs);
    assert.equal(done(), before);
    const endedMs = await cloud.untilEnded("j1", 4 * hourMs);
    assert.ok(endedMs! < 70 * minuteMs, `ended after ${endedMs! / minuteMs} minutes more`);
    cloud.stop();
  });

  test("lets a job go that waits when its policy wants that no more, and keeps a plan that was approved", async () => {
    const cloud = await cloudOf([400, 400, 100, 400], 4 * hourMs);
    await cloud.untilEnded("j1", minuteMs);
    assert.ok(heldOf(cloud));
    cloud.policy({ autonomy: { shift: "approve" } });
    cloud.power([1, 1, 100, 400]);
    await cloud.untilEnded("j1", 5 * minuteMs);
    assert.ok(heldOf(cloud));
    cloud.policy({ autonomy: { shift: "advise" } });
    const endedMs = await cloud.untilEnded("j1", hourMs);
    assert.ok(endedMs! < 25 * minuteMs, `ended after ${endedMs! / minuteMs} minutes`);
    const last = (await cloud.decisions("j1")).findLast(({ action }) => action === "shift");
    assert.deepEqual(last!.why, [
      "its policy lets nothing wait by itself: autonomy.shift is advise",
    ]);
    cloud.stop();
  });

  test("does what its policy says: only its plan's hours, only advice, or nothing", async () => {
    for (const [shift, decided] of [
      ["manual", []],
      ["observe", ["sees that power will be cleaner"]],
      ["advise", ["would let it wait until"]],
    ] as const) {
      const cloud = await cloudOf([400, 300, 100, 390], 4 * hourMs);
      cloud.policy({ autonomy: { buy: "act", release: "act", shift } });
      const endedMs = await cloud.untilEnded("j1", hourMs);
      assert.ok(endedMs! < 25 * minuteMs);
      const said = (await cloud.decisions("j1")).map(({ what }) => what);
      assert.equal(said.length, decided.length);
      assert.ok(
        decided.every((what, at) => said[at]!.startsWith(what)),
        said.join(),
      );
      cloud.stop();
    }
  });

  test("buys once what its plan says when it goes on, and nothing of it that has become dearer", async () => {
    for (const [planned, expected] of [
      [600_000, 2],
      [500_000, 0],
    ] as const) {
      const site = siteConfig.parse({
        type: "simulated",
        offers: [
          {
            name: "large",
            milliCpus: 2000,
            memoryBytes: 2 ** 30,
            microsPerHour: 600_000,
            bootMs: { median: 20_000, p90: 30_000 },
          },
        ],
      }) as SimulatedConfig;
      const random = new Chance(3);
      const cloud = await SimulatedCloud.open({ site, taskMs: () => minuteMs, random });
      const { clock } = cloud.rig;
      cloud.policy({ autonomy: { shift: "approve", buy: "manual" } });
      cloud.job("j1", 40, toldBelief(minuteMs), {
        objective: "carbon",
        deadlineAt: clock.now() + 5 * hourMs,
      });
      const [offer] = cloud.offers();
      cloud.rig.commit((tx) => {
        const job = tx.get("job", "j1")!;
        const held: JobHold = {
          since: clock.now(),
          until: clock.now() + minuteMs,
          savingShare: 0.5,
          workMs: 10 * minuteMs,
          why: ["power is dirty"],
          flip: "with cleaner power",
          buys: [{ offer: { ...offer!, microsPerHour: planned }, count: 2 }],
        };
        tx.put({ ...job, status: { ...job.status, held } });
      });
      cloud.machine("here", 1);
      await cloud.untilEnded("j1", 5 * minuteMs);
      assert.equal(heldOf(cloud), undefined);
      assert.equal(cloud.orders().length, expected);
      const [shift] = (await cloud.decisions("j1")).filter(({ what }) => what === "let it go on");
      assert.equal(
        shift!.why.some((why) => /is not bought: lab large costs/.test(why)),
        !expected,
      );
      cloud.stop();
    }
  });
});
