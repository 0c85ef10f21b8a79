import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { MetadataOrder } from "#/model/hosting.ts";
import { MetadataDoors } from "./doors.ts";
import { MetadataService } from "./service.ts";

const order: MetadataOrder = {
  isEnabled: true,
  hopLimit: 2,
  documents: {
    "meta-data/instance-id": "i-1",
    "meta-data/placement/region": "us-east-1",
    "meta-data/public-keys/": "0=mine",
    "meta-data/public-keys/0/openssh-key": "ssh-ed25519 AAAA",
    "dynamic/instance-identity/document": "{}",
  },
  userData: Buffer.from("#!/bin/sh\n").toString("base64"),
};

const ttl = "x-aws-ec2-metadata-token-ttl-seconds";
const shown = "x-aws-ec2-metadata-token";

interface Answer {
  status: number;
  text: string;
  headers: Record<string, unknown>;
}

async function serviceOf(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "canopy-metadata-"));
  const clock = new ManualClock();
  const host = { ...nodeHost(silent), clock, folder };
  const service = new MetadataService(host);
  const doors = new MetadataDoors(host, service);
  service.know("i-1", order);
  const path = await doors.open("i-1");
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  t.after(async () => {
    agent.destroy();
    await doors.closeAll();
    await rm(folder, { recursive: true });
  });
  const ask = (method: string, url: string, headers: Record<string, string> = {}, from = path) =>
    new Promise<Answer>((resolve, reject) => {
      const asked = request({ socketPath: from, method, path: url, headers, agent }, (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () => {
          const text = Buffer.concat(pieces).toString();
          resolve({ status: response.statusCode!, text, headers: response.headers });
        });
      });
      asked.on("error", reject);
      asked.end();
    });
  const token = async (seconds = 60) =>
    (await ask("PUT", "/latest/api/token", { [ttl]: String(seconds) })).text;
  return { service, doors, clock, ask, token };
}

test("a token is given for 1 second to 6 hours, and not to a proxy", async (t) => {
  const { ask } = await serviceOf(t);
  for (const seconds of ["1", "21600"]) {
    const given = await ask("PUT", "/latest/api/token", { [ttl]: seconds });
    assert.deepEqual([given.status, given.headers[ttl]], [200, seconds]);
  }
  assert.equal((await ask("PUT", "/latest/api/token")).status, 400);
  for (const seconds of ["0", "21601", "-5", "1e3", ""])
    assert.equal((await ask("PUT", "/latest/api/token", { [ttl]: seconds })).status, 400);
  const forwarded = { [ttl]: "60", "x-forwarded-for": "192.0.2.1" };
  assert.equal((await ask("PUT", "/latest/api/token", forwarded)).status, 403);
  assert.equal((await ask("PUT", "/latest/meta-data/instance-id")).status, 405);
  assert.equal((await ask("POST", "/latest/api/token", { [ttl]: "60" })).status, 405);
});

test("who shows no token, a wrong one, one that is over or another instance's reads nothing", async (t) => {
  const { ask, token, clock, service, doors } = await serviceOf(t);
  const read = (given: Record<string, string>, from?: string) =>
    ask("GET", "/latest/meta-data/instance-id", given, from);
  const good = await token(60);
  assert.equal((await read({ [shown]: good })).text, "i-1");
  assert.equal((await read({})).status, 401);
  assert.equal((await read({ [shown]: "" })).status, 401);
  assert.equal((await read({ [shown]: `A${good.slice(1)}` })).status, 401);
  assert.equal((await read({ [shown]: good.slice(0, -4) })).status, 401);
  assert.equal((await ask("GET", "/")).status, 401);
  service.know("i-2", order);
  assert.equal((await read({ [shown]: good }, await doors.open("i-2"))).status, 401);
  await clock.advance(60_000);
  assert.equal((await read({ [shown]: good })).status, 401);
});

test("folders list what is in them, and what is not there is told as AWS does", async (t) => {
  const { ask, token } = await serviceOf(t);
  const given = { [shown]: await token() };
  const textOf = async (path: string) => (await ask("GET", path, given)).text;
  assert.deepEqual((await textOf("/")).split("\n").at(-1), "latest");
  assert.equal(await textOf("/latest"), "dynamic\nmeta-data\nuser-data");
  for (const path of ["/latest/meta-data", "/latest/meta-data/", "/2021-03-23/meta-data/"])
    assert.equal(await textOf(path), "instance-id\nplacement/\npublic-keys/");
  assert.equal(await textOf("/latest/meta-data/public-keys/"), "0=mine");
  assert.equal(await textOf("/latest/meta-data/public-keys/0/"), "openssh-key");
  assert.equal(await textOf("/latest/meta-data/placement/region"), "us-east-1");
  assert.equal(await textOf("/latest/user-data"), "#!/bin/sh\n");
  for (const path of [
    "/latest/meta-data/none",
    "/1999-01-01/meta-data/",
    "/latest/meta-data/../..",
  ])
    assert.match(await textOf(path), /<title>404 - Not Found<\/title>/);
});

test("one whose service is disabled is answered nothing", async (t) => {
  const { ask, token, service } = await serviceOf(t);
  const given = { [shown]: await token() };
  service.know("i-1", { ...order, isEnabled: false });
  assert.equal((await ask("GET", "/latest/meta-data/", given)).status, 403);
  assert.equal((await ask("PUT", "/latest/api/token", { [ttl]: "60" })).status, 403);
  service.know("i-1", { isEnabled: true, hopLimit: 1, documents: {} });
  assert.equal((await ask("GET", "/latest/user-data", { [shown]: await token() })).status, 404);
});

test("thousands of reads are answered in a second", async (t) => {
  const { ask, token } = await serviceOf(t);
  const given = { [shown]: await token() };
  const reads = 3000;
  const before = process.cpuUsage();
  const from = performance.now();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let read = 0; read < reads / 16; read++)
        assert.equal((await ask("GET", "/latest/meta-data/instance-id", given)).text, "i-1");
    }),
  );
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const seconds = (performance.now() - from) / 1000;
  t.diagnostic(
    `${Math.round(reads / seconds)} reads/s by the clock, ${Math.round(reads / cpuSeconds)} a second of processor`,
  );
  // Who asks is in this process too.
  assert.ok(reads / cpuSeconds > 1000, `${cpuSeconds} s of processor`);
});
