import assert from "node:assert/strict";
import { test } from "node:test";
import { instanceOrder, vpcOrder, Wire } from "./testing/wire.ts";

const measuredMs = 1500;
/** How far speeds may be off each other's ratio. */
const share = 0.15;

test("an instance sends and receives as fast as its type may: a container and a guest alike", async (t) => {
  const wire = new Wire();
  t.after(() => wire.close());
  const machine = wire.machine(1);
  const networks = await machine.networks();
  await networks.know([vpcOrder()]);
  const ingress = [{ protocol: "all", from: -1, to: -1, cidr: "0.0.0.0/0" }] as const;
  const [fast, slow] = [20e6, 10e6];
  await networks.prepare(instanceOrder("i-free", "10.0.0.4", { ingress }));
  await networks.prepare(instanceOrder("i-c", "10.0.0.5", { ingress, bitsPerSecond: fast }));
  await networks.prepare(instanceOrder("i-other", "10.0.0.7", { ingress }));
  const order = instanceOrder("i-g", "10.0.0.6", { ingress, bitsPerSecond: slow }, { kind: "vm" });
  const guest = await wire.guest(order, await networks.prepare(order));
  const [free, container, other] = ["i-free", "i-c", "i-other"].map((name) =>
    machine.instance(name),
  );
  const speed = async (from: string, to: string, address: string) =>
    8 * (await wire.speed(from, to, address, measuredMs));
  const [outOfContainer, intoGuest] = await Promise.all([
    speed(container!, free!, "10.0.0.4"),
    speed(free!, guest, "10.0.0.6"),
  ]);
  const [intoContainer, outOfGuest] = await Promise.all([
    speed(free!, container!, "10.0.0.5"),
    speed(guest, free!, "10.0.0.4"),
  ]);
  const unlimited = await speed(free!, other!, "10.0.0.7");
  const told = { outOfContainer, intoContainer, outOfGuest, intoGuest, unlimited };
  const megabits = Object.entries(told).map(([name, bits]) => `${name} ${(bits / 1e6).toFixed(1)}`);
  t.diagnostic(`Mbit/s: ${megabits.join(", ")}`);
  for (const [is, of, may] of [
    [outOfContainer, intoGuest, fast / slow],
    [intoContainer, outOfGuest, fast / slow],
    [outOfContainer, intoContainer, 1],
    [outOfGuest, intoGuest, 1],
  ] as const)
    assert.ok(Math.abs(is / of / may - 1) < share, JSON.stringify(told));
  assert.ok(unlimited > 3 * outOfContainer, "the limit is what limits");
});
