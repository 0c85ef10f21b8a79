import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { FilterRule } from "#/model/hosting.ts";
import { instanceOrder, outside, vpcOrder, Wire } from "./testing/wire.ts";

function wireOf(t: TestContext): Wire {
  const wire = new Wire();
  t.after(() => wire.close());
  return wire;
}

const rule = (more: Partial<FilterRule>): FilterRule => ({
  protocol: "tcp",
  from: 80,
  to: 80,
  ...more,
});
const fromAll = { cidr: "0.0.0.0/0" };

test("instances reach what rules of both let through, by whichever address they have, and never another VPC's", async (t) => {
  const wire = wireOf(t);
  const machine = wire.machine(1);
  const networks = await machine.networks();
  const groups = { "sg-1": ["10.0.0.4"] };
  await networks.know([vpcOrder({ groups }), vpcOrder({ vpc: "vpc-2", tunnel: 8 })]);
  const ingress = [rule({ group: "sg-1" }), rule({ from: 90, to: 99, cidr: "10.0.0.6/32" })];
  for (const order of [
    instanceOrder("i-a", "10.0.0.4"),
    instanceOrder("i-b", "10.0.0.5", { ingress }),
    instanceOrder("i-c", "10.0.0.6", { egress: [rule({ cidr: "10.0.0.5/32", from: 95, to: 95 })] }),
    instanceOrder("i-x", "10.0.0.4", { vpc: "vpc-2" }),
  ])
    await networks.prepare(order);
  const [a, b, c, x] = ["i-a", "i-b", "i-c", "i-x"].map((name) => machine.instance(name));
  for (const port of [80, 95, 96]) await wire.answers(b!, "b", port);
  assert.deepEqual(
    await Promise.all([
      wire.ask(a!, "10.0.0.5", 80),
      wire.ask(a!, "10.0.0.5", 95), // not of that address
      wire.ask(c!, "10.0.0.5", 95),
      wire.ask(c!, "10.0.0.5", 96), // its own rules let nothing out there
      wire.ask(c!, "10.0.0.5", 80), // not of that group
      wire.ask(x!, "10.0.0.5", 80), // of another VPC
    ]),
    ["b hears 10.0.0.4", "", "b hears 10.0.0.6", "", "", ""],
  );
  // Rules change while it runs, and a group's members too.
  await networks.know([vpcOrder({ groups: { "sg-1": ["10.0.0.4", "10.0.0.9"] } })]);
  await networks.prepare(instanceOrder("i-b", "10.0.0.5"));
  assert.equal(await wire.ask(a!, "10.0.0.5", 80), "", "the rule is gone");
  await networks.prepare(instanceOrder("i-b", "10.0.0.5", { ingress }));
  assert.equal(await wire.ask(a!, "10.0.0.5", 80), "b hears 10.0.0.4");
  // Who says to be somebody else is not heard.
  wire.run(`ip -n ${a} address add 10.0.0.6/32 dev eth0`);
  assert.equal(await wire.ask(a!, "10.0.0.5", 95, "10.0.0.6"), "");
  wire.run(`ip -n ${a} link set eth0 address 02:00:00:00:00:99`);
  assert.equal(await wire.ask(a!, "10.0.0.5", 80), "");
});

test("an instance goes out through its machine and reaches nothing of it; those outside come in by its ports", async (t) => {
  const wire = wireOf(t);
  const machine = wire.machine(1);
  const networks = await machine.networks();
  await networks.know([vpcOrder(), vpcOrder({ vpc: "vpc-2", tunnel: 8 })]);
  const ingress = [rule({ cidr: "198.51.100.0/24" }), rule({ from: 22, to: 22, ...fromAll })];
  const { forwards } = await networks.prepare(
    instanceOrder("i-a", "10.0.0.4", { ingress, hasPublicAddress: true }),
  );
  await networks.prepare(instanceOrder("i-shut", "10.0.0.5", { egress: [] }));
  await networks.prepare(instanceOrder("i-x", "10.0.0.4", { vpc: "vpc-2" }));
  const [a, shut, x] = ["i-a", "i-shut", "i-x"].map((name) => machine.instance(name));
  const there = `${wire.id}-wire`;
  await wire.answers(there, "outside", 80);
  await wire.answers(machine.namespace, "machine", 80);
  for (const port of [22, 80]) await wire.answers(a!, "a", port);
  assert.deepEqual(
    await Promise.all([
      wire.ask(a!, outside, 80),
      wire.ask(x!, outside, 80),
      wire.ask(shut!, outside, 80),
      ...[machine.address, "10.99.0.254", "169.254.64.0"].map((own) => wire.ask(a!, own, 80)),
    ]),
    [`outside hears ${machine.address}`, `outside hears ${machine.address}`, "", "", "", ""],
  );
  assert.deepEqual(
    forwards.map(({ address, to }) => [address, to]),
    [
      [machine.address, 22],
      [machine.address, 80],
    ],
  );
  const [ssh, web] = forwards.map(({ port }) => port);
  assert.deepEqual(
    await Promise.all([
      wire.ask(there, machine.address, ssh!),
      wire.ask(there, machine.address, web!, outside),
      wire.ask(there, machine.address, web!), // not from that address
      wire.ask(machine.namespace, machine.address, ssh!),
    ]),
    ["a hears 10.99.0.254", `a hears ${outside}`, "", `a hears ${machine.address}`],
  );
});

test("a port that is published is the same for rules that change, an agent that starts again, and the next instance", async (t) => {
  const wire = wireOf(t);
  const machine = wire.machine(1);
  const networks = await machine.networks();
  await networks.know([vpcOrder()]);
  const there = `${wire.id}-wire`;
  const order = (instance: string, privateIp: string, more: FilterRule[] = [rule(fromAll)]) =>
    instanceOrder(instance, privateIp, {
      hasPublicAddress: true,
      published: { 80: 8080 },
      ingress: more,
    });
  await networks.prepare(order("i-a", "10.0.0.4"));
  await wire.answers(machine.instance("i-a"), "a", 80);
  assert.equal(await wire.ask(there, machine.address, 8080), "a hears 10.99.0.254");
  await networks.prepare(order("i-a", "10.0.0.4", []));
  assert.equal(await wire.ask(there, machine.address, 8080), "", "no rule lets it in");
  const wide = [rule({ protocol: "all", from: -1, to: -1, ...fromAll })];
  await networks.prepare(order("i-a", "10.0.0.4", wide));
  await networks.close();
  const again = await machine.networks();
  assert.equal(await wire.ask(there, machine.address, 8080), "a hears 10.99.0.254");
  await assert.rejects(again.prepare(order("i-b", "10.0.0.5")), { message: /i-a has it/ });
  assert.equal(await wire.ask(there, machine.address, 8080), "a hears 10.99.0.254");
  await again.remove("i-a");
  await again.know([vpcOrder()]);
  await again.prepare(order("i-b", "10.0.0.5"));
  await wire.answers(machine.instance("i-b"), "b", 80);
  assert.equal(await wire.ask(there, machine.address, 8080), "b hears 10.99.0.254");
});

test("a VPC is one over two machines, and an address of an instance's own leads to it alone", async (t) => {
  const wire = wireOf(t);
  const [one, two] = [wire.machine(1), wire.machine(2)];
  const [here, there] = [await one.networks(), await two.networks()];
  await here.know([vpcOrder({ peers: { "10.0.0.5": two.address } })]);
  await there.know([vpcOrder({ peers: { "10.0.0.4": one.address } })]);
  const elasticIp = "203.0.113.5";
  await here.prepare(instanceOrder("i-a", "10.0.0.4", { elasticIp, ingress: [rule(fromAll)] }));
  await there.prepare(instanceOrder("i-b", "10.0.0.5", { ingress: [rule(fromAll)] }));
  const [a, b] = [one.instance("i-a"), two.instance("i-b")];
  await wire.answers(a, "a", 80);
  await wire.answers(b, "b", 80);
  assert.equal(await wire.ask(a, "10.0.0.5", 80), "b hears 10.0.0.4");
  assert.equal(await wire.ask(b, "10.0.0.4", 80), "a hears 10.0.0.5");
  wire.run(`ip -n ${wire.id}-wire route add ${elasticIp}/32 via ${one.address}`);
  await wire.answers(`${wire.id}-wire`, "outside", 80);
  assert.equal(await wire.ask(`${wire.id}-wire`, elasticIp, 80), "a hears 10.99.0.254");
  assert.equal(await wire.ask(a, outside, 80), `outside hears ${elasticIp}`);
  // One that moves has its place ready, and is where the cloud says that it is.
  await here.prepare(instanceOrder("i-b", "10.0.0.5", { ingress: [rule(fromAll)] }));
  await wire.answers(one.instance("i-b"), "moved b", 80);
  assert.equal(await wire.ask(a, "10.0.0.5", 80), "b hears 10.0.0.4");
  await here.know([vpcOrder()]);
  assert.equal(await wire.ask(a, "10.0.0.5", 80), "moved b hears 10.0.0.4");
  await here.know([vpcOrder({ peers: { "10.0.0.5": two.address } })]);
  assert.equal(await wire.ask(a, "10.0.0.5", 80), "b hears 10.0.0.4");
  // Nobody else comes in by a tunnel: an address that is not known there is not heard.
  await there.know([vpcOrder()]);
  assert.equal(await wire.ask(a, "10.0.0.5", 80), "");
});

test("an instance learns of itself and of names, guests by DHCP too, and it is all there after the agent has started again", async (t) => {
  const wire = wireOf(t);
  const machine = wire.machine(1);
  const networks = await machine.networks();
  const names = { "ip-10-0-0-4": "10.0.0.4", "i-a": "10.0.0.4" };
  await networks.know([vpcOrder({ names })]);
  const ingress = [rule(fromAll)];
  const order = instanceOrder("i-a", "10.0.0.4", { hasPublicAddress: true, ingress });
  const before = await networks.prepare(order);
  const guest = instanceOrder("i-g", "10.0.0.7", {}, { kind: "vm" });
  const { namespace, tap } = await networks.prepare(guest);
  assert.match(wire.run(`ip -n ${namespace} -o link show ${tap}`), /tun|UP/);
  assert.deepEqual((await wire.asksForAddress(namespace!, tap!, guest.network.mac)).sort(), [
    "address 10.0.0.7",
    "domain ec2.internal",
    "host ip-10-0-0-7",
    "mask 255.255.240.0",
    "mtu 1450",
    "names 169.254.169.253",
    "router 10.0.0.1",
  ]);
  const a = machine.instance("i-a");
  const idOf = async () => {
    const script = `t=$(curl -sfm2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
curl -sfm2 -H "X-aws-ec2-metadata-token: $t" http://169.254.169.254/latest/meta-data/instance-id`;
    return await wire.inside(a, ["sh", "-c", script]);
  };
  const nameOf = async () =>
    await wire.inside(a, ["busybox", "nslookup", "i-a.ec2.internal", "169.254.169.253"]);
  assert.equal(await idOf(), "i-a");
  assert.match(await nameOf(), /10\.0\.0\.4/);
  await wire.answers(a, "a", 80);
  const { port } = before.forwards[0]!;
  await networks.close();
  assert.equal(await wire.ask(`${wire.id}-wire`, machine.address, port), "a hears 10.99.0.254");
  const again = await machine.networks();
  assert.deepEqual((await again.prepare(order)).forwards, before.forwards);
  assert.equal(await idOf(), "i-a");
  await again.remove("i-a");
  await again.remove("i-g");
  const id = machine.names.namespace("");
  assert.equal(wire.run("ip netns list").includes(id), false);
  assert.equal(wire.run(`ip -n ${machine.namespace} link`).includes(machine.names.prefix), false);
  const tables = wire.run(`nsenter --net=/run/netns/${machine.namespace} nft list tables`);
  assert.equal(tables.trim(), "");
});
