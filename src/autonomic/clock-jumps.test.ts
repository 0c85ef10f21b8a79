import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyClock } from "#/base/steady-clock.ts";
import type { OrderStatus } from "#/model/order.ts";
import { Rig } from "#/scheduler/testing/rig.ts";
import { followWallClock } from "./clock-jumps.ts";
import { hourOf } from "./fleet/bill.ts";
import { offer } from "./testing/planning.ts";

const minuteMs = 60_000;

for (const byMinutes of [90, -90])
  test(`followWallClock() keeps what an hour is billed when the clock is set by ${byMinutes} minutes, also for what has ended`, async () => {
    const rig = await Rig.open();
    const { clock, space } = rig;
    const steady = steadyClock(clock);
    const now = clock.now();
    const put = (name: string, status: OrderStatus) =>
      rig.commit((tx) =>
        tx.put<"order">({
          kind: "order",
          project: "p",
          name,
          spec: { site: "lab", offer: offer("large"), orderedAt: now - 50 * minuteMs, askedBy: "" },
          status: { ...status, billedFrom: now - 50 * minuteMs },
        }),
      );
    put("o1", { phase: "released", since: now - minuteMs, endedAt: now - minuteMs });
    put("o2", { phase: "joined", since: now - 40 * minuteMs, joinedAt: now - 40 * minuteMs });
    const billed = (afterMs = 0) => hourOf([...space.all("order")], steady.now() + afterMs);
    const before = billed()!;
    const later = billed(30 * minuteMs)!;
    assert.ok(before > 400_000 && later < before);
    clock.setWall(now + byMinutes * minuteMs);
    followWallClock(space, steady);
    assert.equal(steady.now(), now + byMinutes * minuteMs);
    assert.equal(billed(), before);
    assert.equal(billed(30 * minuteMs), later);
    rig.scheduler.stop();
  });
