import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { limits } from "#/base/limits.ts";
import type { FullNetworks } from "./full-networks.ts";
import { instanceOrder, vpcOrder, Wire, type TestMachine } from "./testing/wire.ts";

const everyone = [{ protocol: "all", from: -1, to: -1, cidr: "0.0.0.0/0" }] as const;
const fast = { ingress: [...everyone], bitsPerSecond: 200_000_000 };

async function machineOf(t: TestContext) {
  const wire = new Wire();
  t.after(() => wire.close());
  const machine = wire.machine(1);
  const networks = await machine.networks();
  await networks.know([vpcOrder()]);
  return { wire, machine, networks };
}

function waiting(wire: Wire, machine: TestMachine): string[] {
  const names = wire.run("ip netns list").split("\n");
  return names.flatMap((line) =>
    line.startsWith(machine.names.namespace("ready-")) ? line.split(" ")[0]! : [],
  );
}

async function untilWaiting(wire: Wire, machine: TestMachine) {
  for (let tries = 0; ; tries++) {
    const all = waiting(wire, machine);
    if (all.length === limits.networkPlacesReady) return all;
    assert.ok(tries < 500, `${all.length} wait`);
    await wait(20);
  }
}

const idOf = (wire: Wire, namespace: string) =>
  wire.run(`stat -L -c %i /run/netns/${namespace}`).trim();

async function addressed(wire: Wire, machine: TestMachine, networks: FullNetworks) {
  await networks.prepare(instanceOrder("i-b", "10.0.0.5", fast));
  const [a, b] = [machine.instance("i-a"), machine.instance("i-b")];
  await wire.answers(b, "b", 80);
  assert.equal(await wire.ask(a, "10.0.0.5", 80), "b hears 10.0.0.4");
  assert.match(wire.run(`ip -n ${b} link show eth0`), /02:07:00:00:00:05/);
  assert.match(wire.run(`tc -n ${b} qdisc show dev eth0`), /tbf .*rate 200Mbit/);
  return b;
}

test("a container comes to a place that waited, and nothing passes to or from one that waits", async (t) => {
  const { wire, machine, networks } = await machineOf(t);
  await networks.prepare(instanceOrder("i-a", "10.0.0.4", fast));
  const before = await untilWaiting(wire, machine);
  const [shut] = before;
  wire.run(`ip -n ${shut} link set eth0 up
ip -n ${shut} address add 10.0.0.5/20 dev eth0`);
  await wire.answers(machine.instance("i-a"), "a", 80);
  assert.equal(await wire.ask(shut!, "10.0.0.4", 80), "");
  wire.run(`ip -n ${shut} address flush dev eth0`);

  const ids = before.map((one) => idOf(wire, one));
  const b = await addressed(wire, machine, networks);
  assert.ok(ids.includes(idOf(wire, b)));
  // What is told of it again, as by an agent that has just started, finds all of it.
  await networks.close();
  assert.deepEqual(waiting(wire, machine), [], "none waits without an agent");
  const again = await machine.networks();
  await again.prepare(instanceOrder("i-b", "10.0.0.5", fast));
  assert.equal(await wire.ask(machine.instance("i-a"), "10.0.0.5", 80), "b hears 10.0.0.4");
  await again.remove("i-b");
  assert.equal(wire.run("ip netns list").includes(b), false);
});

test("one that was lost while it waited is in nobody's way", async (t) => {
  const { wire, machine, networks } = await machineOf(t);
  await networks.prepare(instanceOrder("i-a", "10.0.0.4", fast));
  for (const one of await untilWaiting(wire, machine)) wire.run(`ip netns delete ${one}`);
  await addressed(wire, machine, networks);
});

test("those that an agent left which was killed are gone when it starts again, and come back with the next container", async (t) => {
  const { wire, machine, networks } = await machineOf(t);
  await networks.prepare(instanceOrder("i-a", "10.0.0.4", fast));
  await networks.close();
  wire.run(`ip netns add ${machine.names.namespace("ready-left")}`);
  const again = await machine.networks();
  assert.deepEqual(waiting(wire, machine), []);
  await addressed(wire, machine, again);
  await untilWaiting(wire, machine);
});
