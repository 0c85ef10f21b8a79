import assert from "node:assert/strict";
import { test } from "node:test";
import type { OrderRecord } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";
import { Rig } from "#/scheduler/testing/rig.ts";
import { candidatesOf } from "./machine-types.ts";
import { machinesFor } from "./machines.ts";
import { propose } from "./propose.ts";
import { demand, offer } from "./testing/planning.ts";

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

test("machinesFor() counts on shared machines as far as the project's quota goes, and on all that it pays for", async () => {
  const rig = await Rig.open((rig) => {
    for (const name of ["m1", "m2", "m3", "paid"]) rig.machine(name, { cpus: 4 });
    rig.project("p", 1, { quota: { milliCpus: 6000 }, cohort: "all" });
    rig.commit((tx) => {
      const machine = tx.get("machine", "paid")!;
      tx.put({ ...machine, spec: { ...machine.spec, reservedForProject: "p" } });
    });
  });
  for (const name of ["m1", "m2", "m3", "paid"]) rig.agent(name);
  const { space, scheduler, clock } = rig;
  const { kinds } = demand(100, 1000);
  const slots = (project: string) =>
    candidatesOf(
      kinds,
      machinesFor(space, scheduler, knowledge, { name: "", project }, clock.now()),
      [],
    ).map(({ considered: { slots: each, countMax, whyNot } }) => [each * countMax, whyNot]);
  const beyond = "the project's quota does not cover it";
  assert.deepEqual(
    slots("p").toSorted((a, b) => Number(a[0]) - Number(b[0])),
    [
      [0, beyond],
      [2, undefined],
      [4, undefined],
      [4, undefined],
    ],
  );
  assert.deepEqual(slots("q"), [
    [4, undefined],
    [4, undefined],
    [4, undefined],
  ]);
  scheduler.stop();
});

test("machinesFor() lets work be planned that fits the quota, whichever machines joined before", async () => {
  const rig = await Rig.open((rig) => {
    rig.machine("big", { cpus: 64 });
    rig.machine("labelled", { cpus: 8, labels: { gpu: "yes" } });
    rig.project("p", 1, { quota: { milliCpus: 8000 } });
  });
  for (const name of ["big", "labelled"]) rig.agent(name);
  const { space, scheduler, clock } = rig;
  const [kind] = demand(80, 60_000).kinds;
  const needs = { ...kind!.needs, labels: { gpu: "yes" } };
  const here = machinesFor(space, scheduler, knowledge, { name: "", project: "p" }, clock.now());
  const goal = { objective: "cost", deadlineMs: 11 * 60_000 } as const;
  const found = propose({ kinds: [{ ...kind!, needs }], chainMs: 0 }, goal, here, []);
  assert.ok("predicted" in found);
  assert.deepEqual(
    found.considered.map(({ slots, count, whyNot }) => [slots, count, whyNot]),
    [
      [0, 0, "no task fits on it"],
      [8, 1, undefined],
    ],
  );
  scheduler.stop();
});

test("machinesFor() counts a spot machine that is there as taken away as often as was learned, where its site says nothing", async () => {
  const rig = await Rig.open((rig) => {
    rig.machine("m1", { cpus: 4 });
    rig.commit((tx) => {
      const spot: Offer = { ...large, market: "spot", interruptionsPerHour: undefined };
      const spec = { site: "lab", offer: spot, orderedAt: 0, askedBy: "job j1", job: "j1" };
      const status = { phase: "joined", since: 0, machine: "m1" } as const;
      tx.put<"order">({ kind: "order", project: "p", name: "o1", spec, status });
      const machine = tx.get("machine", "m1")!;
      tx.put({ ...machine, spec: { ...machine.spec, order: "o1", reservedFor: "j1" } });
    });
  });
  rig.agent("m1");
  const learned = {
    ...knowledge,
    offers: (stated: readonly Offer[]) =>
      stated.map((one) => ({ ...one, interruptionsPerHour: 0.5 })),
  };
  const { space, scheduler, clock } = rig;
  const job = { name: "j1", project: "p" };
  const [machine] = machinesFor(space, scheduler, learned, job, clock.now());
  assert.equal(machine!.interruptionsPerHour, 0.5);
  scheduler.stop();
});
