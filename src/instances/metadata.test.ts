import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Identities } from "#/access/identities/identities.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import { iamName } from "#/model/iam.ts";
import type { InstanceRecord, InstanceSpec, InstanceStatus } from "#/model/instance.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { identityCertificate, InstanceIdentity } from "./instance-identity.ts";
import { orderMeans } from "./order-means.ts";
import { testVolumeKeys } from "./testing/volume-keys.ts";
import { RoleCredentials } from "./role-credentials.ts";
import { VirtualNetworks } from "./virtual-networks.ts";

const { random, clock: realClock } = nodeHost(silent);
/** Hides nothing: what is sealed is looked into by nobody here. */
const sealer = {
  seal: (plain: string, about: string) => Buffer.from(`${about}\0${plain}`).toString("base64url"),
  unseal(sealed: string, about: string) {
    const text = Buffer.from(sealed, "base64url").toString();
    if (!text.startsWith(`${about}\0`)) throw new Error("sealed for something else");
    return text.slice(about.length + 1);
  },
};

async function world() {
  const clock = new ManualClock();
  const space = await Space.open({
    log: new MemoryLog(),
    clock: realClock,
    report: silent,
    onBroken: () => assert.fail("the log is broken"),
  });
  await space.commit((tx) => {
    const spec = { createdAt: clock.now(), accountId: "123456789012" };
    tx.put<"project">({ kind: "project", project: "p", name: "p", spec, status: {} } as never);
  }).durable;
  const identities = new Identities({ space, sealer, clock, random });
  const credentials = new RoleCredentials({ space, identities, clock });
  const region = "us-east-1";
  const identity = new InstanceIdentity({ space, sealer, clock, random });
  const volumeKeys = testVolumeKeys({ space, clock, random }, sealer);
  const means = orderMeans({ space, access: sealer, volumeKeys, region, credentials, identity });
  const networks = new VirtualNetworks({
    space,
    clock,
    random,
    zone: "us-east-1a",
    addressPool: "192.0.2.0/28",
  });
  const { vpc, subnet, group } = networks.default("p");
  const instance = (
    spec: Partial<InstanceSpec> = {},
    status: Partial<InstanceStatus> = {},
  ): InstanceRecord =>
    space.commit((tx) =>
      tx.put<"instance">({
        kind: "instance",
        project: "p",
        name: "i-0123456789abcdef0",
        spec: {
          launchedAt: clock.now(),
          reservation: "r-1",
          launchIndex: 0,
          image: "ami-1",
          type: "t3.micro",
          kind: "vm",
          wanted: "running",
          reboots: 0,
          network: {
            interface: "eni-1",
            vpc: vpc.name,
            subnet: subnet.name,
            privateIp: "172.31.0.4",
            mac: "02:01:ac:1f:00:04",
            groups: [group.name],
            hasPublicAddress: true,
          },
          metadata: { isEnabled: true, hopLimit: 2, hasTags: false },
          placement: {},
          onShutdown: "stop",
          isTerminationProtected: false,
          isStopProtected: false,
          isRecovered: false,
          tags: {},
          ...spec,
        },
        status: { state: "running", since: 0, fence: 1, publicIp: "10.0.0.1", ...status },
      }),
    ).value;
  const proof = (record: InstanceRecord, name: string) =>
    means.metadataOf(record).documents[`dynamic/instance-identity/${name}`]!;
  const told = (record: InstanceRecord, path: string) =>
    means.metadataOf(record).documents[`meta-data/${path}`];
  return { clock, space, identities, networks, instance, told, proof };
}

test("an instance finds its role's credentials, which count, and others before they end", async () => {
  const { clock, space, identities, instance, told } = await world();
  const of = { path: "/", createdAt: 0, inline: {}, attached: [] };
  space.commit((tx) => {
    const role = { ...of, id: "AROA1", name: "Worker", trust: "{}", sessionSecondsMax: 3600 };
    const name = iamName("p", "Worker");
    tx.put<"iam-role">({ kind: "iam-role", project: "p", name, spec: role, status: {} });
    tx.put<"iam-instance-profile">({
      kind: "iam-instance-profile",
      project: "p",
      name: iamName("p", "machines"),
      spec: { id: "AIPA1", name: "machines", path: "/", createdAt: 0, role: "Worker" },
      status: {},
    });
  });
  const record = instance({ profile: "machines" });
  assert.match(told(record, "iam/info")!, /:instance-profile\/machines"/);
  const read = () =>
    JSON.parse(told(record, "iam/security-credentials/Worker")!) as Record<string, string>;
  const first = read();
  assert.deepEqual([first.Code, first.Type], ["Success", "AWS-HMAC"]);
  const { principal, secret } = identities.find(first.AccessKeyId!, first.Token, "s3");
  assert.equal(secret, first.SecretAccessKey);
  assert.match(principal.arn, /assumed-role\/Worker\/i-0123456789abcdef0$/);
  assert.deepEqual(read(), first);
  await clock.advance(limits.roleCredentialsMs - limits.roleCredentialsRenewMs);
  const second = read();
  assert.notEqual(second.AccessKeyId, first.AccessKeyId);
  assert.ok(Date.parse(second.Expiration!) > Date.parse(first.Expiration!));
  identities.find(first.AccessKeyId!, first.Token, "s3"); // until then both count
  assert.equal(told(instance(), "iam/info"), undefined);
});

test("an instance learns that it will be taken away, and under which address it is known", async () => {
  const { networks, instance, told } = await world();
  const market = {
    type: "spot" as const,
    request: "sir-1",
    maxMicrosPerHour: 1,
    onInterruption: "terminate" as const,
  };
  const interruptionAt = Date.parse("2026-01-02T03:04:05.678Z");
  assert.equal(told(instance({ market }), "spot/instance-action"), undefined);
  const taken = instance({ market }, { interruptionAt });
  assert.equal(
    told(taken, "spot/instance-action"),
    '{"action":"terminate","time":"2026-01-02T03:04:05Z"}',
  );
  assert.equal(told(taken, "spot/termination-time"), "2026-01-02T03:04:05Z");
  assert.equal(told(taken, "public-ipv4"), "10.0.0.1");
  networks.addresses.associate(networks.addresses.allocate("p"), taken);
  assert.equal(told(taken, "public-ipv4"), "192.0.2.1");
  assert.equal(told(taken, "network/interfaces/macs/02:01:ac:1f:00:04/public-ipv4s"), "192.0.2.1");
});

test("openssl finds an identity document signed by the cloud's certificate, and finds what was changed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-identity-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { instance, proof, space } = await world();
  const record = instance();
  const document = proof(record, "document");
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const openssl = (...words: string[]) =>
    execFileSync("openssl", words, { encoding: "utf8", stdio: "pipe" });
  const certificate = file("certificate", identityCertificate(space));
  for (const name of ["pkcs7", "rsa2048"]) {
    const pem = `-----BEGIN PKCS7-----\n${proof(record, name)}\n-----END PKCS7-----\n`;
    const words = ["-verify", "-noverify", "-inform", "PEM", "-certfile", certificate];
    const found = openssl("smime", ...words, "-in", file(name, pem));
    assert.equal(found.replaceAll("\r", "").trim(), document);
  }
  const key = file("key", openssl("x509", "-pubkey", "-noout", "-in", certificate));
  const signature = file("signature", Buffer.from(proof(record, "signature"), "base64"));
  const checks = (content: string) =>
    openssl("dgst", "-sha256", "-verify", key, "-signature", signature, file("document", content));
  assert.match(checks(document), /Verified OK/);
  assert.throws(() => checks(document.replace("t3.micro", "m5.large")));
});

test("what a later life of the cloud signs is signed by the same key", async () => {
  const { instance, proof, space, clock } = await world();
  const record = instance();
  const document = proof(record, "document");
  const later = new InstanceIdentity({ space, sealer, clock, random });
  const { signature } = later.documentsOf({ ...record.spec }, document);
  assert.equal(signature, proof(record, "signature"));
});
