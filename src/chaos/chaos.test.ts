import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { stopGameDay } from "./game-days.ts";
import { Fleet } from "./testing/fleet.ts";

/** Three machines, nine tasks under way, a policy and nothing else. */
async function fleetOf(more: Parameters<Fleet["policy"]>[0] = {}): Promise<Fleet> {
  const fleet = await Fleet.open();
  for (const name of ["m1", "m2", "m3"]) fleet.machine(name);
  fleet.job("j1", 9);
  fleet.policy(more);
  return fleet;
}

describe("startGameDay()", () => {
  test("refuses where there is no policy, and says how to make one", async () => {
    const fleet = await Fleet.open();
    await assert.rejects(fleet.gameDay(), {
      code: "forbidden",
      hint: "canopy chaos policy set --targets task --hits 10 --at-once 1",
    });
  });

  test("refuses a target that the policy does not name", async () => {
    const fleet = await fleetOf({ targets: ["task"] });
    await assert.rejects(fleet.gameDay({ targets: ["machine"] }), { code: "forbidden" });
  });

  test("refuses a second one while one is on", async () => {
    const fleet = await fleetOf();
    await fleet.gameDay();
    await assert.rejects(fleet.gameDay({ id: "g2" }), { code: "conflict" });
  });
});

describe("a game day", () => {
  test("records each hit before it is done, and ends when its time is up and all has healed", async () => {
    const fleet = await fleetOf();
    await fleet.gameDay({ targets: ["task"] });
    await fleet.clock.advance(65_000);
    const { phase, reason, hits, isAlarm } = fleet.day().status;
    assert.deepEqual([phase, isAlarm], ["ended", undefined]);
    assert.equal(hits, fleet.struck.length);
    assert.ok(hits >= 5, `${hits} hits`);
    assert.match(reason!, /time was up|10 hits/);
    for (const { status } of fleet.hits()) {
      assert.equal(status.phase, "healed");
      assert.equal(status.noticedBy, "driver");
      assert.deepEqual(status.lost, []);
      assert.equal(status.attemptsLost, 1);
    }
  });

  test("tells when a hit was noticed and healed to the millisecond, whenever it looks", async () => {
    const fleet = await fleetOf({ hitsMax: 1 });
    await fleet.gameDay({ targets: ["task"] });
    await fleet.clock.advance(5_000);
    const [{ spec, status }] = fleet.hits() as [ReturnType<Fleet["hits"]>[number]];
    assert.equal(status.noticedAt! - spec.at, 20);
    assert.equal(status.healedAt! - spec.at, 520);
    assert.equal(status.wastedCpuMs, 20, "one CPU from the hand-out to the end of the attempt");
  });

  test("tells a link that broke off from a lease that ran out", async () => {
    const fleet = await fleetOf({ hitsMax: 1 });
    await fleet.gameDay({ targets: ["machine"] });
    await fleet.clock.advance(20_000);
    const [{ spec, status }] = fleet.hits() as [ReturnType<Fleet["hits"]>[number]];
    assert.equal(spec.victims.length, 3);
    assert.deepEqual([status.noticedBy, status.noticedAt! - spec.at], ["link", 20]);
    assert.deepEqual([status.releasedBy, status.releasedAt! - spec.at], ["lease", limits.leaseMs]);
    assert.equal(status.backAt! - spec.at, 15_000);
    assert.equal(status.healedAt! - spec.at, 15_000, "its tasks ran elsewhere long before");
    assert.equal(status.attemptsLost, 3);
  });

  test("tells of an agent that was killed and came back without its tasks", async () => {
    const fleet = await fleetOf({ hitsMax: 1 });
    await fleet.gameDay({ targets: ["agent"] });
    await fleet.clock.advance(5_000);
    const [{ spec, status }] = fleet.hits() as [ReturnType<Fleet["hits"]>[number]];
    assert.deepEqual([status.releasedBy, status.releasedAt! - spec.at], ["agent", 900]);
    assert.equal(status.healedAt! - spec.at, 1400);
  });

  test("that runs dry says what it would hit, and hits nothing", async () => {
    const fleet = await fleetOf();
    await fleet.gameDay({ dryRun: true });
    await fleet.clock.advance(61_000);
    assert.equal(fleet.struck.length, 0);
    assert.ok(fleet.hits().length > 3);
    for (const { status, spec } of fleet.hits()) {
      assert.equal(status.phase, "dry");
      assert.match(spec.why, /policy of 'p'/);
    }
    assert.equal(fleet.day().status.phase, "ended");
  });

  test("counts a hit on a task that had ended as missed", async () => {
    const fleet = await fleetOf({ hitsMax: 1 });
    fleet.isGone = true;
    await fleet.gameDay({ targets: ["task"] });
    await fleet.clock.advance(2_000);
    assert.deepEqual(
      fleet.hits().map(({ status }) => status.phase),
      ["missed"],
    );
    assert.equal(fleet.day().status.phase, "ended");
  });

  test("hits the same again when it is given the same seed", async () => {
    const run = async () => {
      const fleet = await fleetOf({ hitsMax: 20, hitsAtOnceMax: 2 });
      await fleet.gameDay({ seed: 77 });
      await fleet.clock.advance(80_000);
      return fleet.hits().map(({ spec }) => [spec.target, spec.subject, spec.at]);
    };
    const [first, second] = [await run(), await run()];
    assert.ok(first.length > 5);
    assert.deepEqual(first, second);
  });

  test("goes on after a start of the control plane, and says for how long that was away", async () => {
    const fleet = await fleetOf({ hitsMax: 100 });
    await fleet.gameDay();
    await fleet.clock.advance(21_000);
    const before = fleet.hits().length;
    await fleet.kill();
    await fleet.clock.advance(3_000);
    await fleet.start();
    await fleet.clock.advance(60_000);
    const { phase, restarts, downMs, hits } = fleet.day().status;
    assert.deepEqual([phase, restarts], ["ended", 1]);
    assert.ok(downMs >= 3_000 && downMs <= 8_200, `${downMs} ms`);
    assert.ok(hits > before);
    for (const { status } of fleet.hits())
      assert.ok(["healed", "missed"].includes(status.phase), status.phase);
  });

  test("leaves memory with its hits when there have been many since, and stays in the log", async () => {
    const fleet = await fleetOf();
    const count = limits.gameDaysKeptMax + 2;
    for (let number = 0; number < count; number++) {
      await fleet.gameDay({ id: `g${number}`, dryRun: true, forMs: 1_000 });
      await fleet.clock.advance(2_000);
    }
    assert.equal(fleet.space.count("game-day", "p"), limits.gameDaysKeptMax);
    assert.equal(fleet.space.get("game-day", "p/g1"), undefined);
    assert.equal(fleet.space.count("hit", "p/g1"), 0);
    const [day] = await fleet.space.find("game-day", ["p/g1"]);
    const [hit] = await fleet.space.find("hit", ["p/g1/0"]);
    assert.deepEqual([day?.status.phase, hit?.status.phase], ["ended", "dry"]);
  });

  test("stopped by a person hits no more, and ends when all has healed", async () => {
    const fleet = await fleetOf({ hitsMax: 100 });
    await fleet.gameDay({ targets: ["machine"] });
    await fleet.clock.advance(1_000);
    fleet.space.commit((tx) =>
      stopGameDay(tx, "p/g1", { reason: "root stopped it", isAlarm: false }),
    );
    await fleet.clock.advance(5_000);
    assert.equal(fleet.day().status.phase, "healing");
    await fleet.clock.advance(60_000);
    assert.equal(fleet.day().status.phase, "ended");
    assert.equal(fleet.struck.length, 1);
  });
});

describe("a game day stops by itself", () => {
  const alarmed = (fleet: Fleet, reason: RegExp) => {
    assert.notEqual(fleet.day().status.phase, "running");
    assert.equal(fleet.day().status.isAlarm, true);
    assert.match(fleet.day().status.reason!, reason);
  };

  test("when a hit takes longer to heal than the policy allows, and gives it up", async () => {
    const fleet = await fleetOf({ healMsMax: 5_000 });
    fleet.isHealing = false;
    await fleet.gameDay({ targets: ["task"] });
    await fleet.clock.advance(6_000);
    alarmed(fleet, /has not healed for 5/);
    assert.equal(fleet.day().status.phase, "ended");
    assert.equal(fleet.hits()[0]!.status.phase, "given-up");
  });

  test("when a task failed for good because of it, and names it as lost", async () => {
    const fleet = await fleetOf({ targets: ["machine"], hitsAtOnceMax: 1 });
    await fleet.gameDay();
    const [task] = fleet.hits()[0]!.spec.victims;
    const error = { reason: "machine-lost" as const, message: "five times" };
    fleet.end(task!.task, { phase: "failed", attempts: [{ machine: "m1", at: 0, error }] });
    await fleet.clock.advance(1_000);
    alarmed(fleet, /a task failed for good because of it/);
    await fleet.clock.advance(30_000);
    assert.deepEqual(fleet.hits()[0]!.status.lost, [task!.task]);
  });

  test("when a job of the project has failed", async () => {
    const fleet = await fleetOf();
    await fleet.gameDay();
    const job = fleet.space.get("job", "j1")!;
    fleet.space.commit((tx) =>
      tx.put<"job">({ ...job, status: { ...job.status, phase: "failed" } }),
    );
    await fleet.clock.advance(1_000);
    alarmed(fleet, /the job j1 has failed/);
  });

  test("not when one that failed before is archived", async () => {
    const fleet = await fleetOf();
    const job = fleet.space.get("job", "j1")!;
    const failed = { ...job, name: "j0", status: { ...job.status, phase: "failed" } } as const;
    fleet.space.commit((tx) => tx.put<"job">(failed));
    await fleet.clock.advance(15 * 60_000);
    await fleet.gameDay();
    fleet.space.commit((tx) => tx.archive<"job">(fleet.space.get("job", "j0")!));
    await fleet.clock.advance(1_000);
    assert.equal(fleet.day().status.isAlarm, undefined);
    assert.equal(fleet.day().status.phase, "running");
  });

  test("when no machine is left", async () => {
    const fleet = await fleetOf({ targets: ["task"] });
    await fleet.gameDay();
    for (const seat of fleet.seats.values()) seat.connected = false;
    await fleet.clock.advance(1_000);
    alarmed(fleet, /no healthy machine is left/);
  });

  test("when its policy is removed", async () => {
    const fleet = await fleetOf();
    await fleet.gameDay();
    fleet.space.commit((tx) => tx.delete("policy", "p/chaos"));
    await fleet.clock.advance(1_000);
    alarmed(fleet, /the policy of 'p' was removed/);
  });
});

describe("a schedule", () => {
  const schedule = { days: [1, 2, 3, 4, 5, 6, 7], at: ["00:01"], forMs: 30_000, everyMs: 5_000 };

  test("begins game days by itself when the policy says act", async () => {
    const fleet = await fleetOf({ autonomy: "act", schedule });
    await fleet.clock.advance(59_000);
    assert.equal([...fleet.space.all("game-day")].length, 0);
    await fleet.clock.advance(60_000);
    const [day] = [...fleet.space.all("game-day")];
    assert.equal(day!.spec.startedBy, "schedule");
    assert.equal(day!.spec.dryRun, false);
    assert.ok(fleet.struck.length > 0);
    await fleet.clock.advance(60 * 60_000);
    assert.equal([...fleet.space.all("game-day")].length, 1, "one a day");
  });

  test("is caught up with by a control plane that was away for a moment when it was due, once", async () => {
    const fleet = await fleetOf({ autonomy: "act", schedule });
    await fleet.clock.advance(58_000);
    await fleet.kill();
    await fleet.clock.advance(10_000);
    await fleet.start();
    await fleet.clock.advance(1_000);
    assert.equal([...fleet.space.all("game-day")].length, 1);
    await fleet.kill();
    await fleet.start();
    await fleet.clock.advance(120_000);
    assert.equal([...fleet.space.all("game-day")].length, 1);
  });

  test("only says what it would hit when the policy says observe, and rests when it says manual", async () => {
    const observed = await fleetOf({ autonomy: "observe", schedule });
    await observed.clock.advance(120_000);
    assert.equal([...observed.space.all("game-day")][0]!.spec.dryRun, true);
    assert.equal(observed.struck.length, 0);
    const manual = await fleetOf({ schedule });
    await manual.clock.advance(120_000);
    assert.equal([...manual.space.all("game-day")].length, 0);
  });
});
