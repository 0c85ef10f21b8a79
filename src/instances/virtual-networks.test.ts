import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { VirtualNetworks } from "./virtual-networks.ts";

const { clock, random } = nodeHost(silent);

async function networksOf(addressPool?: string) {
  const space = await Space.open({
    log: new MemoryLog(),
    clock,
    report: silent,
    onBroken: () => assert.fail("the log is broken"),
  });
  const networks = new VirtualNetworks({ space, clock, random, zone: "us-east-1a", addressPool });
  return { space, networks };
}

const everyone = { protocol: "tcp" as const, from: 22, to: 22, cidr: "0.0.0.0/0" };

test("a project has a default VPC once it asks, with a subnet and a group that cannot be deleted", async () => {
  const { networks } = await networksOf();
  const { vpc, group } = networks.default("p");
  assert.equal(networks.default("p").vpc.name, vpc.name);
  assert.throws(() => networks.createDefaultVpc("p"), { awsCode: "DefaultVpcAlreadyExists" });
  assert.throws(() => networks.groups.delete(group), { awsCode: "CannotDelete" });
  assert.throws(() => networks.findVpc("other", vpc.name), { awsCode: "InvalidVpcID.NotFound" });
  networks.deleteVpc(vpc);
  assert.deepEqual(
    [networks.listVpcs("p"), networks.listSubnets("p"), networks.groups.list("p")],
    [[], [], []],
  );
});

test("VPCs and subnets are within each other and apart from each other", async () => {
  const { networks } = await networksOf();
  for (const cidr of ["10.0.0.0/8", "10.0.0.0/29", "10.0.0/16", "10.0.0.300/16"])
    assert.throws(() => networks.createVpc("p", cidr), { code: "invalid" });
  const vpc = networks.createVpc("p", "10.1.2.3/16");
  assert.equal(vpc.spec.cidr, "10.1.0.0/16");
  assert.notEqual(networks.createVpc("q", "10.1.0.0/16").spec.tunnel, vpc.spec.tunnel);
  const subnet = networks.createSubnet(vpc, { cidr: "10.1.1.0/24" });
  assert.equal(networks.freeAddresses(subnet), 251);
  assert.throws(() => networks.createSubnet(vpc, { cidr: "10.2.1.0/24" }), {
    awsCode: "InvalidSubnet.Range",
  });
  assert.throws(() => networks.createSubnet(vpc, { cidr: "10.1.0.0/20" }), {
    awsCode: "InvalidSubnet.Conflict",
  });
  assert.throws(() => networks.deleteVpc(vpc), { awsCode: "DependencyViolation" });
  networks.deleteSubnet(subnet);
  networks.deleteVpc(vpc);
});

test("rules are added and taken away, all or none, each once", async () => {
  const { networks } = await networksOf();
  const { groups } = networks;
  const vpc = networks.createVpc("p", "10.0.0.0/16");
  const group = groups.create(vpc, { title: "web", description: "of the web" });
  const now = () => groups.find("p", group.name);
  assert.throws(() => groups.create(vpc, { title: "web", description: "again" }), {
    awsCode: "InvalidGroup.Duplicate",
  });
  const [rule] = groups.authorize(now(), "ingress", [everyone]);
  const other = { ...everyone, from: 80, to: 81 };
  assert.throws(() => groups.authorize(now(), "ingress", [other, everyone]), {
    awsCode: "InvalidPermission.Duplicate",
    message: `the specified rule "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" already exists`,
  });
  assert.equal(now().spec.ingress.length, 1);
  assert.throws(() => groups.revoke(now(), "ingress", [other]), {
    awsCode: "InvalidPermission.NotFound",
  });
  assert.throws(() => groups.authorize(now(), "ingress", [{ ...everyone, from: 9, to: 8 }]), {
    awsCode: "InvalidParameterValue",
  });
  const elsewhere = networks.default("q").group.name;
  const { cidr: _cidr, ...unsourced } = everyone;
  assert.throws(() => groups.authorize(now(), "ingress", [{ ...unsourced, group: elsewhere }]), {
    awsCode: "InvalidGroup.NotFound",
  });
  const peer = groups.create(vpc, { title: "db", description: "of data" });
  groups.authorize(peer, "ingress", [{ ...unsourced, group: group.name }]);
  assert.throws(() => groups.delete(now()), { awsCode: "DependencyViolation" });
  groups.delete(groups.find("p", peer.name));
  assert.deepEqual(groups.revoke(now(), "ingress", [{ id: rule!.id }]), [rule]);
  groups.delete(now());
});

test("addresses come from the pool, one project's each, and go back", async () => {
  const { networks: poor } = await networksOf();
  assert.throws(() => poor.addresses.allocate("p"), { awsCode: "UnsupportedOperation" });
  const { networks } = await networksOf("192.0.2.8/30");
  const { addresses } = networks;
  const first = addresses.allocate("p");
  assert.deepEqual(
    [first.spec.publicIp, addresses.allocate("q").spec.publicIp],
    ["192.0.2.9", "192.0.2.10"],
  );
  assert.throws(() => addresses.allocate("p"), { awsCode: "InsufficientAddressCapacity" });
  assert.throws(() => addresses.find("q", first.name), { awsCode: "InvalidAllocationID.NotFound" });
  addresses.release(first);
  assert.equal(addresses.allocate("p").spec.publicIp, "192.0.2.9");
});

/** What OpenSSH makes of a key. */
function sshKeygen(t: TestContext, ...args: [...string[], content: string]): string {
  const folder = mkdtempSync(join(tmpdir(), "canopy-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "key");
  writeFileSync(file, args.at(-1)!, { mode: 0o600 });
  return execFileSync("ssh-keygen", [...args.slice(0, -1), "-f", file], { encoding: "utf8" });
}

test("a key pair that is made opens with OpenSSH, and has AWS's fingerprint", async (t) => {
  const { networks } = await networksOf();
  const { keys } = networks;
  for (const type of ["ed25519", "rsa"] as const) {
    const { record, privateKey } = await keys.create("p", { title: type, type });
    const line = sshKeygen(t, "-y", privateKey).trim().split(" ").slice(0, 2).join(" ");
    assert.equal(record.spec.publicKey, line);
    const openssh = sshKeygen(t, "-l", record.spec.publicKey);
    if (type === "ed25519")
      assert.ok(openssh.includes(`SHA256:${record.spec.fingerprint.replace(/=$/, "")} `), openssh);
    else {
      const der = createPrivateKey(privateKey).export({ type: "pkcs8", format: "der" });
      const sha1 = createHash("sha1").update(der).digest("hex");
      assert.equal(record.spec.fingerprint.replaceAll(":", ""), sha1);
    }
  }
  await assert.rejects(keys.create("p", { title: "rsa", type: "rsa" }), {
    awsCode: "InvalidKeyPair.Duplicate",
  });
  keys.delete(keys.find("p", { title: "rsa" }));
  assert.throws(() => keys.find("p", { title: "rsa" }), { awsCode: "InvalidKeyPair.NotFound" });
});

test("a key pair whose answer was lost is made anew by the same call, and by no other", async () => {
  const { networks } = await networksOf();
  const { keys } = networks;
  const asked = { title: "mine", type: "ed25519" as const, clientToken: "one" };
  const lost = await keys.create("p", asked);
  const again = await keys.create("p", asked);
  assert.notEqual(again.privateKey, lost.privateKey);
  assert.equal(again.record.spec.id, lost.record.spec.id);
  const known = keys.find("p", { title: "mine" }).spec.publicKey;
  assert.equal(known, again.record.spec.publicKey);
  const { clientToken: _token, ...others } = asked;
  for (const other of [others, { ...asked, clientToken: "two" }])
    await assert.rejects(keys.create("p", other), { awsCode: "InvalidKeyPair.Duplicate" });
});

test("a key pair that is imported is OpenSSH's, and what is none is refused", async () => {
  const { networks } = await networksOf();
  const { keys } = networks;
  const { record: made } = await keys.create("p", { title: "one", type: "rsa" });
  const imported = keys.add("q", { title: "two", publicKey: `${made.spec.publicKey} me@here` });
  assert.equal(imported.spec.publicKey, `${made.spec.publicKey} two`);
  assert.match(imported.spec.fingerprint, /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  for (const publicKey of [
    "",
    "ssh-rsa AAAA",
    "ssh-rsa AAAAB3NzaC1yc2E=",
    "ssh-dss AAAAB3NzaC1kc3M=",
  ])
    assert.throws(() => keys.add("q", { title: "bad", publicKey }), {
      awsCode: "InvalidKey.Format",
    });
});
