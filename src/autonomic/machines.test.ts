import assert from "node:assert/strict";
import { test } from "node:test";
import type { OrderRecord } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";
import { Rig } from "#/scheduler/testing/rig.ts";
import { machinesFor } from "./machines.ts";
import { offer } from "./testing/planning.ts";

const large = offer("large", { bootMs: { median: 20_000, p90: 30_000 } });
const knowledge = { offers: (stated: readonly Offer[]) => [...stated], slownessOf: () => 1 };

test("machinesFor() counts on an ordered machine while it boots, and while it has joined and not dialled yet", async () => {
  const { space, scheduler, clock } = await Rig.open();
  const bootMs = (afterMs: number) =>
    machinesFor(
      space,
      scheduler,
      knowledge,
      { name: "j1", project: "p" },
      clock.now() + afterMs,
    ).map((machine) => machine.bootMs);
  const order: Omit<OrderRecord, "serial" | "revision"> = {
    kind: "order",
    project: "p",
    name: "o1",
    spec: { site: "lab", offer: large, orderedAt: clock.now(), askedBy: "job j1", job: "j1" },
    status: { phase: "booting", since: clock.now() },
  };
  space.commit((tx) => tx.put<"order">(order));
  assert.deepEqual([bootMs(0), bootMs(60_000)], [[30_000], [1000]]);
  const joined = {
    ...order.status,
    phase: "joined",
    joinedAt: clock.now(),
    machine: "m1",
  } as const;
  space.commit((tx) => tx.put<"order">({ ...order, status: joined }));
  assert.deepEqual([bootMs(1000).length, bootMs(16_000).length], [1, 0]);
  scheduler.stop();
});
