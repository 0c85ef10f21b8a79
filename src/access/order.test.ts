import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { ratesOf } from "#/model/machine.ts";
import type { OrderPhase } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Access } from "./access.ts";

const host = nodeHost(silent);
const root = await mkdtemp(join(tmpdir(), "canopy-order-"));
after(() => rm(root, { recursive: true }));

async function openIn(folder: string) {
  const { clock, files, random } = host;
  const space = await Space.open({ log: new MemoryLog(), clock, report: silent, onBroken() {} });
  const access = await Access.open({ folder: join(root, folder), files, space, clock, random });
  return { space, access };
}

const { space, access } = await openIn("one");

const offer: Offer = {
  site: "lab",
  name: "large",
  capacity: { milliCpus: 8000, memoryBytes: 2 ** 34 },
  labels: {},
  market: "on-demand",
  zone: "",
  microsPerHour: 400_000,
  priceGranularityMs: 1000,
  billedMsMin: 0,
  idleWatts: undefined,
  peakWatts: 90,
  pue: undefined,
  gramsPerKwh: undefined,
  bootMs: undefined,
  interruptionsPerHour: 0,
  countMax: 1,
};

function orderIn(name: string, phase: OrderPhase): string {
  return space.commit((tx) => {
    const spec = { site: "lab", offer, orderedAt: 1, askedBy: "root" };
    tx.put<"order">({ kind: "order", project: "", name, spec, status: { phase, since: 1 } });
    return access.createJoinToken(tx, { site: "lab", order: name }).token;
  }).value;
}

const join2 = (token: string) =>
  space.commit((tx) => access.join(tx, { token, hostname: "vm", labels: {} })).value.machine;

describe("Access.join()", () => {
  it("makes the machine of an order, at the price of its offer, and the order has joined", () => {
    const machine = join2(orderIn("o1", "booting"));
    const { spec } = space.get("machine", machine)!;
    assert.equal(spec.order, "o1");
    const estimate = { microsPerHour: 7, idleWatts: 10, peakWatts: 20, pue: 1.2 };
    assert.deepEqual(ratesOf(spec, estimate), {
      microsPerHour: 400_000,
      idleWatts: 10,
      peakWatts: 90,
      pue: 1.2,
    });
    const { status } = space.get("order", "o1")!;
    assert.equal(status.phase, "joined");
    assert.equal(status.machine, machine);
  });

  it("lets one machine in for an order, and none for one that is given back", () => {
    const second = space.commit((tx) => access.createJoinToken(tx, { order: "o1" })).value.token;
    assert.throws(() => join2(second), { code: "unauthenticated", message: /has joined as 'vm'/ });
    for (const phase of ["releasing", "released", "failed"] as const)
      assert.throws(() => join2(orderIn(`o-${phase}`, phase)), { code: "unauthenticated" });
  });
});

describe("Access.seal()", () => {
  it("hides a secret in a text that only this cloud opens, for what it was sealed for", async () => {
    const sealed = access.seal("hunter2", "site lab");
    assert.ok(!Buffer.from(sealed, "base64").toString("latin1").includes("hunter2"));
    assert.equal(access.unseal(sealed, "site lab"), "hunter2");
    assert.notEqual(access.seal("hunter2", "site lab"), sealed);
    const other = await openIn("other");
    assert.notEqual(other.access.cloudId, access.cloudId);
    assert.throws(() => other.access.unseal(sealed, "site lab"), { code: "forbidden" });
    assert.throws(() => access.unseal(sealed, "site lab2"), { code: "forbidden" });
    const changed = Buffer.from(sealed, "base64");
    changed[changed.length - 1]! ^= 1;
    const text = changed.toString("base64");
    assert.throws(() => access.unseal(text, "site lab"), { code: "forbidden" });
    assert.throws(() => access.unseal("", "site lab"), { code: "forbidden" });
  });
});
