import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { FullNetworks } from "./full-networks.ts";
import { portOf } from "./names.ts";
import { instanceOrder, vpcOrder, Wire, type TestMachine } from "./testing/wire.ts";

const wire = new Wire();
let machine: TestMachine;
let networks: FullNetworks;
const ingress = [{ protocol: "all", from: -1, to: -1, cidr: "0.0.0.0/0" }] as const;

before(async () => {
  machine = wire.machine(1);
  networks = await machine.networks();
  const names = { "ip-10-0-0-4": "10.0.0.4", "i-a": "10.0.0.4" };
  await networks.know([vpcOrder({ names }), vpcOrder({ vpc: "vpc-2", tunnel: 8 })]);
  for (const [name, address] of [
    ["i-a", "10.0.0.4"],
    ["i-b", "10.0.0.5"],
    ["i-c", "10.0.0.6"],
  ] as const)
    await networks.prepare(instanceOrder(name, address, { ingress }));
  await networks.prepare(instanceOrder("i-x", "10.0.0.4", { vpc: "vpc-2" }));
});
after(() => wire.close());

const arpClaims = fileURLToPath(new URL("./testing/arp-claims.py", import.meta.url));

test("who says by ARP to be others is not believed, and is remembered under its own address alone", async () => {
  const [a, b, c] = ["i-a", "i-b", "i-c"].map((name) => machine.instance(name));
  const vpc = machine.names.namespace("vpc-1");
  const strangers = Array.from({ length: 50 }, (_, index) => `10.0.1.${index + 1}`);
  const claimed = ["10.0.0.5", "10.0.0.1", ...strangers];
  wire.run(`nsenter --net=/run/netns/${a} python3 ${arpClaims} eth0 10.0.0.1 ${claimed.join(" ")}`);
  const remembered = () => wire.run(`ip -n ${vpc} neighbor show dev ${portOf("i-a")}`).trim();
  assert.match(remembered(), /^10\.0\.0\.4 lladdr 02:07:00:00:00:04 PERMANENT$/);
  await wire.answers(b!, "b", 80);
  assert.equal(await wire.ask(c!, "10.0.0.5", 80), "b hears 10.0.0.6");
  assert.equal(await wire.ask(a!, "10.0.0.5", 80), "b hears 10.0.0.4");
});

test("nothing passes by IPv6, not even between neighbours, nor to the service of names", async () => {
  const [a, b] = ["i-a", "i-b"].map((name) => machine.instance(name));
  const vpc = machine.names.namespace("vpc-1");
  assert.equal(wire.run(`ip -n ${vpc} -6 address`), "");
  const macOf = (name: string) =>
    wire.run(`ip netns exec ${vpc} cat /sys/class/net/${portOf(name)}/address`).trim();
  // As if everybody's next hop were found already, and routes through it were there.
  for (const [namespace, name, own] of [
    [a, "i-a", "fd00::a"],
    [b, "i-b", "fd00::b"],
  ])
    wire.run(`
ip -n ${namespace} address add ${own}/64 dev eth0 nodad
for one in fd00::a fd00::b fe80::1; do ip -n ${namespace} neighbor replace $one lladdr ${macOf(name!)} dev eth0; done`);
  await wire.answers(b!, "b", 81, "TCP6");
  assert.equal(
    await wire.ask(b!, "[fd00::b]", 81),
    "b hears [fd00:0000:0000:0000:0000:0000:0000:000b]",
  );
  assert.equal(await wire.ask(a!, "[fd00::b]", 81), "");
  const seen = () =>
    Number(wire.run(`ip netns exec ${b} cat /sys/class/net/eth0/statistics/rx_packets`));
  const before = seen();
  await wire.inside(a!, ["busybox", "ping", "-6", "-c1", "-W1", "fd00::b"]);
  assert.equal(seen(), before);
});

test("names of a VPC are told in it alone, and those outside as the machine's own resolver tells them", async () => {
  await wire.answersForNames(`${wire.id}-wire`, {
    "out.example": "11.22.33.44",
    "db.example": "192.168.3.4",
  });
  const asked = async (instance: string, name: string) => {
    const said = await wire.inside(machine.instance(instance), [
      "busybox",
      "nslookup",
      name,
      "169.254.169.253",
    ]);
    return /Address: (?:1: )?(\d+\.\d+\.\d+\.\d+)\s*$/m.exec(said.split("Name:")[1] ?? "")?.[1];
  };
  for (const name of ["i-a.ec2.internal", "ip-10-0-0-4.ec2.internal"]) {
    assert.equal(await asked("i-b", name), "10.0.0.4");
    assert.equal(await asked("i-x", name), undefined);
  }
  for (const instance of ["i-b", "i-x"])
    assert.equal(await asked(instance, "out.example"), "11.22.33.44");
  assert.equal(await asked("i-b", "db.example"), undefined, "where the machine is, is not told");
});
