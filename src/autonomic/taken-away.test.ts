import assert from "node:assert/strict";
import { test } from "node:test";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { cloudOf, lab } from "./testing/lab.ts";

const minuteMs = 60_000;

test("a machine that its provider takes away is replaced before it goes, given back when it is empty, and counted", async () => {
  const cloud = await cloudOf(lab(), minuteMs);
  const { clock, space } = cloud.rig;
  const deadlineAt = clock.now() + 30 * minuteMs;
  cloud.job("j1", 80, toldBelief(minuteMs), { deadlineAt });
  await cloud.pass(2 * minuteMs);
  const [first, ...others] = cloud.orders();
  assert.deepEqual([first?.status.phase, others.length], ["joined", 0]);
  const machine = space.get("machine", first!.status.machine!)!;
  // As its agent says it.
  const endsAt = clock.now() + 2 * minuteMs;
  cloud.rig.commit((tx) =>
    tx.put<"machine">({
      ...machine,
      spec: { ...machine.spec, cordoned: true },
      status: { ...machine.status, endsAt },
    }),
  );
  await cloud.pass(2000);
  assert.equal(space.get("order", first!.name)!.status.takenAt, endsAt);
  const second = cloud.orders().find(({ name }) => name !== first!.name);
  assert.ok(second, "another one was ordered at once");
  await cloud.pass(1.5 * minuteMs);
  const { phase, reason } = space.get("order", first!.name)!.status;
  assert.deepEqual(
    [phase, reason],
    ["released", "its site takes it away, and nothing runs on it any more"],
  );
  assert.equal(space.get("order", second.name)!.status.phase, "joined");
  const said = (await cloud.decisions("j1")).find(({ subject }) => subject === first!.name);
  assert.match(said!.why[0]!, /^lab takes it away at .*, by its own notice$/);
  assert.equal(cloud.knowledge.learnedOf(first!.spec.offer)?.interruptions.taken, 1);
  cloud.stop();
});

test("one that had nothing to run when it was told is given back for that, and not as one that is spared", async () => {
  const cloud = await cloudOf(lab(), minuteMs);
  const { clock, space } = cloud.rig;
  cloud.job("j1", 80, toldBelief(minuteMs), { deadlineAt: clock.now() + 30 * minuteMs });
  let joined = cloud.orders()[0];
  while (joined?.status.phase !== "joined") {
    await cloud.pass(1000);
    joined = cloud.orders()[0];
  }
  const { machine: name = "" } = joined.status;
  const endsAt = clock.now() + 2 * minuteMs;
  // Its link is gone and nothing is counted to it any more.
  cloud.away(joined.name);
  await cloud.pass(15_000);
  cloud.rig.commit((tx) => {
    const machine = tx.get("machine", name)!;
    tx.put<"machine">({
      ...machine,
      spec: { ...machine.spec, cordoned: true },
      status: { ...machine.status, endsAt },
    });
  });
  await cloud.pass(20_000);
  const { reason, takenAt } = space.get("order", joined.name)!.status;
  assert.deepEqual(
    [takenAt, reason],
    [endsAt, "its site takes it away, and nothing runs on it any more"],
  );
  cloud.stop();
});
