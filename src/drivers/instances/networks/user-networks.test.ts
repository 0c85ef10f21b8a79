import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { freePort } from "#/base/testing/free-port.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { FilterRule } from "#/model/hosting.ts";
import { instanceOrder } from "./testing/wire.ts";
import { openNetworks } from "./open-networks.ts";
import { UserNetworks } from "./user-networks.ts";

async function partsOf(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "canopy-user-networks-"));
  t.after(() => rm(folder, { recursive: true }));
  return { ...nodeHost(silent), folder, address: "127.0.0.1", mark: "m" };
}

const tcp = (from: number, to: number, cidr = "0.0.0.0/0"): FilterRule => ({
  protocol: "tcp",
  from,
  to,
  cidr,
});

test("ports lead to what rules open to everyone, and are the same after the agent has started again", async (t) => {
  const parts = await partsOf(t);
  const networks = new UserNetworks(parts);
  const ingress = [tcp(80, 81), tcp(22, 22), tcp(9000, 9000, "10.0.0.0/8"), tcp(1, 60_000)];
  const order = instanceOrder("i-1", "10.0.0.4", { hasPublicAddress: true, ingress });
  const before = await networks.prepare(order);
  assert.deepEqual(
    before.forwards.map(({ to }) => to),
    [22, 80, 81, 443, 8080, 8443],
  );
  const shut = instanceOrder("i-2", "10.0.0.5", { hasPublicAddress: false, ingress });
  assert.deepEqual((await networks.prepare(shut)).forwards, []);
  await networks.close();
  const again = new UserNetworks(parts);
  assert.deepEqual(await again.prepare(order), before);
  await again.remove("i-1");
  assert.equal(existsSync(before.metadataSocket), false);
  assert.deepEqual(await parts.files.list(join(parts.folder, "networks")), []);
  await again.close();
});

test("ports that were not on disk when the machine lost its power are looked for anew", async (t) => {
  const parts = await partsOf(t);
  await parts.files.makeFolder(join(parts.folder, "networks"));
  const networks = new UserNetworks(parts);
  t.after(() => networks.close());
  const order = instanceOrder("i-1", "10.0.0.4", { hasPublicAddress: true, ingress: [] });
  await networks.prepare(order);
  const files = await parts.files.list(join(parts.folder, "networks"));
  const kept = files.find((name) => name.startsWith("i-1") && name.endsWith(".json"));
  assert.ok(kept, String(files));
  await parts.files.write(join(parts.folder, "networks", kept), "", { durable: false });
  assert.deepEqual((await networks.prepare(order)).forwards, []);
});

test("a port that a program of the machine has leads nowhere else", async (t) => {
  const parts = await partsOf(t);
  const taken = new Set<number>();
  const sockets = {
    ...parts.sockets,
    listen: async (at: { port?: number }) => {
      if (taken.size < 5) {
        taken.add(at.port!);
        throw new Error("taken");
      }
      return { port: 0, close: async () => {} };
    },
  };
  const networks = new UserNetworks({ ...parts, sockets: sockets as typeof parts.sockets });
  t.after(() => networks.close());
  const order = instanceOrder("i-1", "10.0.0.4", {
    hasPublicAddress: true,
    ingress: [tcp(22, 22)],
  });
  const { forwards } = await networks.prepare(order);
  assert.equal(taken.has(forwards[0]!.port), false);
});

test("a port that is published is had by one, after the agent has started again too, and is free when that is gone", async (t) => {
  const parts = await partsOf(t);
  const port = await freePort();
  const order = (instance: string) =>
    instanceOrder(instance, "10.0.0.4", {
      hasPublicAddress: true,
      ingress: [tcp(22, 22), tcp(80, 80)],
      published: { 80: port },
    });
  const first = new UserNetworks(parts);
  const { forwards } = await first.prepare(order("i-1"));
  assert.deepEqual(forwards[0], { address: "127.0.0.1", port, to: 80 });
  assert.equal(forwards[1]!.to, 22);
  await first.close();
  const networks = new UserNetworks(parts);
  t.after(() => networks.close());
  assert.deepEqual((await networks.prepare(order("i-1"))).forwards, forwards);
  await assert.rejects(networks.prepare(order("i-2")), {
    reasonCode: "Server.InsufficientInstanceCapacity",
    message: new RegExp(`^Port ${port} of 127.0.0.1 cannot lead to the instance: i-1 has it`),
  });
  await networks.remove("i-1");
  assert.deepEqual((await networks.prepare(order("i-2"))).forwards[0], forwards[0]);
});

test("a port that a program of the machine has is not published, and it is said which program has it", async (t) => {
  const parts = await partsOf(t);
  const networks = new UserNetworks(parts);
  t.after(() => networks.close());
  const program = await parts.sockets.listen({ host: "0.0.0.0", port: 0 }, () => {});
  t.after(() => program.close());
  const order = instanceOrder("i-1", "10.0.0.4", {
    hasPublicAddress: true,
    ingress: [tcp(22, 22), tcp(80, 80)],
    published: { 80: program.port },
  });
  await assert.rejects(networks.prepare(order), {
    message: new RegExp(`process ${process.pid}, has it`),
  });
  await program.close();
  assert.equal((await networks.prepare(order)).forwards[0]!.port, program.port);
});

test("a machine that is a cloud by itself is left as it is, and says how that is changed", async (t) => {
  const { networks, missing } = await openNetworks(await partsOf(t), { reachable: [] });
  t.after(() => networks.close());
  assert.equal(networks.type, "user");
  assert.match(missing.join("\n"), /CANOPY_NETWORKS=full/);
});
