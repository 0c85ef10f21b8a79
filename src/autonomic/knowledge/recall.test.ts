import assert from "node:assert/strict";
import { test } from "node:test";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { offer } from "../testing/planning.ts";
import { Knowledge } from "./follow.ts";

const spot = offer("large", {
  market: "spot",
  zone: "a",
  bootMs: { median: 60_000, p90: 120_000 },
  interruptionsPerHour: 0.1,
});

async function learning(log: MemoryLog, clock: ManualClock) {
  const onBroken = (thrown: unknown) => {
    throw thrown;
  };
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const knowledge = new Knowledge(space);
  knowledge.start({ clock, log: silent });
  await clock.advance(1000);
  return { space, knowledge };
}

test("Knowledge knows after a restart what orders showed before it, those that are archived too", async () => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const before = await learning(log, clock);
  const now = clock.now();
  for (let number = 0; number < 20; number++) {
    const at = now - (40 - number) * 3_600_000;
    const joinedAt = at + 300_000;
    const endedAt = joinedAt + 3_600_000;
    before.space.commit((tx) => {
      const order = tx.put<"order">({
        kind: "order",
        project: "p",
        name: `o${String(number).padStart(4, "0")}`,
        spec: { site: "lab", offer: spot, orderedAt: at, askedBy: "test" },
        status: { phase: "failed", since: endedAt, endedAt, joinedAt, handle: "i-1" },
      });
      if (number < 15) tx.archive<"order">(order);
    });
  }
  await clock.advance(10_000);
  const learned = before.knowledge.learnedOf(spot)!;
  assert.deepEqual([learned.boot.joined, learned.interruptions.taken], [20, 20]);
  assert.ok(learned.boot.median > 200_000 && learned.interruptions.perHour > 0.4);
  before.knowledge.stop();
  await before.space.close();
  const after = await learning(log, clock);
  await clock.advance(10_000);
  const again = after.knowledge.learnedOf(spot)!;
  assert.deepEqual(
    [again.boot, again.interruptions.taken, again.asked],
    [learned.boot, learned.interruptions.taken, learned.asked],
  );
  const [planned] = after.knowledge.offers([spot]);
  assert.equal(planned!.bootMs!.median, learned.boot.median);
  after.knowledge.stop();
  await after.space.close();
});
