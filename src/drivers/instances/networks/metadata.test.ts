import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { MetadataOrder } from "#/model/hosting.ts";
import type { FullNetworks } from "./full-networks.ts";
import { instanceOrder, vpcOrder, Wire, type TestMachine } from "./testing/wire.ts";

const wire = new Wire();
let machine: TestMachine;
let networks: FullNetworks;
/** What runs in an instance, one hop further from its metadata service: a container of its own, say. */
const nested = `${wire.id}-nested`;

before(async () => {
  machine = wire.machine(1);
  networks = await machine.networks();
  await networks.know([vpcOrder(), vpcOrder({ vpc: "vpc-2", tunnel: 8 })]);
  await is({});
  await networks.prepare(instanceOrder("i-b", "10.0.0.5"));
  await networks.prepare(instanceOrder("i-x", "10.0.0.4", { vpc: "vpc-2" }));
  const a = machine.instance("i-a");
  wire.run(`
ip netns add ${nested}
ip -n ${a} link add nested0 type veth peer name eth0 netns ${nested}
ip -n ${a} address add 192.168.9.1/24 dev nested0
ip -n ${a} link set nested0 up
ip -n ${nested} address add 192.168.9.2/24 dev eth0
ip -n ${nested} link set eth0 up
ip -n ${nested} route add default via 192.168.9.1
nsenter --net=/run/netns/${a} sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
nsenter --net=/run/netns/${a} nft 'add table ip own; add chain ip own out { type nat hook postrouting priority srcnat; }; add rule ip own out oifname eth0 masquerade'`);
});
after(() => wire.close());

/** The instance that is asked about has these options from now on. */
const is = (metadata: Partial<MetadataOrder>) => {
  const order = instanceOrder("i-a", "10.0.0.4");
  return networks.prepare({ ...order, metadata: { ...order.metadata, ...metadata } });
};

/** What curl prints, then the status; "000" is no answer at all within a second. */
const curl = (namespace: string, ...words: string[]) =>
  wire.inside(namespace, ["curl", "-sm1", "-w", "%{http_code}", ...words]);
const service = "http://169.254.169.254/latest";
const tokenFor = (namespace: string, seconds = 60, ...more: string[]) => {
  const asks = ["-XPUT", "-H", `X-aws-ec2-metadata-token-ttl-seconds: ${seconds}`];
  return curl(namespace, ...asks, ...more, `${service}/api/token`);
};
const idBy = (namespace: string, token: string) =>
  curl(namespace, "-H", `X-aws-ec2-metadata-token: ${token}`, `${service}/meta-data/instance-id`);
const good = async (namespace: string) => (await tokenFor(namespace)).replace(/200$/, "");

test("an answer goes as many hops as the limit says, which changes while it runs", async () => {
  const a = machine.instance("i-a");
  assert.equal(await idBy(a, await good(a)), "i-a200");
  assert.equal(await tokenFor(nested), "000");
  await is({ hopLimit: 2 });
  assert.equal(await idBy(nested, await good(nested)), "i-a200");
  await is({ hopLimit: 1 });
  assert.equal(await tokenFor(nested), "000");
  assert.equal(await idBy(a, await good(a)), "i-a200");
});

test("only with a token that counts it tells anything, and not to a proxy", async () => {
  const a = machine.instance("i-a");
  assert.match(await curl(a, `${service}/meta-data/instance-id`), /401$/);
  assert.match(await idBy(a, "what"), /401$/);
  assert.match(await tokenFor(a, 60, "-H", "X-Forwarded-For: 10.0.0.9"), /403$/);
  const short = (await tokenFor(a, 1)).replace(/200$/, "");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.match(await idBy(a, short), /401$/);
});

test("one that is disabled says nothing, and is there again once it is enabled", async () => {
  const a = machine.instance("i-a");
  const token = await good(a);
  await is({ isEnabled: false });
  assert.match(await tokenFor(a), /403$/);
  assert.match(await idBy(a, token), /403$/);
  await is({});
  assert.equal(await idBy(a, token), "i-a200");
});

test("each instance reads its own alone, whatever it says and whoever has the same address", async () => {
  const [a, b, x] = ["i-a", "i-b", "i-x"].map((name) => machine.instance(name));
  const ofA = await good(a!);
  assert.match(await idBy(b!, ofA), /401$/);
  assert.match(await idBy(x!, ofA), /401$/);
  assert.equal(await idBy(b!, await good(b!)), "i-b200");
  assert.equal(await idBy(x!, await good(x!)), "i-x200");
  wire.run(`ip -n ${b} address add 10.0.0.4/32 dev eth0`);
  assert.equal(await tokenFor(b!, 60, "--interface", "10.0.0.4"), "000");
});
