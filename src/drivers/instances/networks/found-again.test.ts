import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { namespaceFile, portOf, wireOf } from "./names.ts";
import { instanceOrder, vpcOrder, Wire } from "./testing/wire.ts";

const ingress = [{ protocol: "tcp", from: 80, to: 80, cidr: "0.0.0.0/0" }] as const;
/** Where a network of this machine is written down. */
function stateFileOf(vpc: string): string {
  const all = "/run/canopy-networks";
  const found = readdirSync(all, { recursive: true, encoding: "utf8" });
  const path = found.find((one) => one.endsWith(`/${vpc}/state.json`));
  assert.ok(path, `${vpc} is written down`);
  return `${all}/${path}`;
}

test("what of a network cannot be found again is made anew, and no other's is touched", async (t) => {
  const wire = new Wire();
  t.after(() => wire.close());
  const machine = wire.machine(1);
  const names = ["half", "lost", "unread"].map((name) => `${name}-of-${machine.namespace}`);
  const [half, lost, unread] = names as [string, string, string];
  const vpcs = names.map((vpc, at) =>
    vpcOrder({ vpc, tunnel: 7 + at, names: { "i-lost": "10.0.0.4" } }),
  );
  const orders = [
    instanceOrder("i-guest", "10.0.0.4", { vpc: half, ingress: [...ingress] }, { kind: "vm" }),
    instanceOrder("i-file", "10.0.0.5", { vpc: half, ingress: [...ingress] }),
    instanceOrder("i-well", "10.0.0.6", { vpc: half, ingress: [...ingress] }),
    instanceOrder("i-asks", "10.0.0.7", { vpc: half }),
    instanceOrder("i-lost", "10.0.0.4", { vpc: lost, ingress: [...ingress] }),
    instanceOrder("i-lost-asks", "10.0.0.5", { vpc: lost }),
    instanceOrder("i-unread", "10.0.0.4", { vpc: unread, ingress: [...ingress] }),
    instanceOrder("i-unread-asks", "10.0.0.5", { vpc: unread }),
  ];
  const [guest, file, ...others] = orders;
  const before = await machine.networks();
  await before.know(vpcs);
  for (const order of orders) await before.prepare(order);
  await before.close();

  // Half of a guest's wire, an instance's namespace that is none, a VPC's namespace, and what was written down of another.
  const inHalf = machine.names.namespace(half);
  wire.run(`ip -n ${inHalf} link delete ${wireOf("i-guest")}
ip -n ${inHalf} tuntap add ${portOf("i-guest")} mode tap
ip netns delete ${machine.instance("i-file")}
ip netns delete ${machine.names.namespace(lost)}`);
  writeFileSync(namespaceFile(machine.instance("i-file")), "");
  writeFileSync(stateFileOf(unread), JSON.stringify({ vpc: unread, slot: "one" }));

  const networks = await machine.networks();
  await networks.know(vpcs);
  for (const order of others) await networks.prepare(order);
  const { namespace, tap } = await networks.prepare(guest!);
  const address = await wire.asksForAddress(namespace!, tap!, guest!.network.mac);
  assert.equal(address[0], "address 10.0.0.4");
  for (const name of ["i-well", "i-lost", "i-unread"])
    await wire.answers(machine.instance(name), name, 80);
  assert.deepEqual(
    await Promise.all([
      wire.ask(machine.instance("i-asks"), "10.0.0.6", 80),
      wire.ask(machine.instance("i-lost-asks"), "10.0.0.4", 80),
      wire.ask(machine.instance("i-unread-asks"), "10.0.0.4", 80),
    ]),
    ["i-well hears 10.0.0.7", "i-lost hears 10.0.0.5", "i-unread hears 10.0.0.5"],
  );
  const asked = ["busybox", "nslookup", "i-lost.ec2.internal", "169.254.169.253"];
  assert.match(await wire.inside(machine.instance("i-lost-asks"), asked), /10\.0\.0\.4/);
  // What cannot be made is said to whom it is for, until that is taken off and begun again.
  await assert.rejects(networks.prepare(file!), {
    reasonCode: "Server.InternalError",
    message: /Cannot make the instance's network: /,
  });
  await networks.remove("i-file");
  await networks.prepare(file!);
  await wire.answers(machine.instance("i-file"), "i-file", 80);
  const heard = await wire.ask(machine.instance("i-asks"), "10.0.0.5", 80);
  assert.equal(heard, "i-file hears 10.0.0.7");
});
