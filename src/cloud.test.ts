import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { dial, hello } from "#/api/testing/agent.ts";
import type { Host } from "#/base/host.ts";
import { silent } from "#/base/log.ts";
import { limits } from "#/base/limits.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { MadeAccessKeyView } from "#/model/access-key-views.ts";
import type { TrailPage } from "#/model/trail.ts";
import type { Page, ControlPlaneView, JobView, MadeKeyView, StatusView } from "#/model/views.ts";
import { FileBlobs } from "#/blobs/files.ts";
import type { Batch } from "#/space/log.ts";
import { MemoryLog, SharedMemory } from "#/space/logs/memory.ts";
import { presignedUrl } from "#/sdk/objects/signature.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { startCloud, type Cloud } from "./cloud.ts";

const host: Host = nodeHost(silent);

/** A log that can be cut off. */
class CutLog extends MemoryLog {
  isCut = false;

  override async beat(): Promise<void> {
    if (this.isCut) throw new Error("connection lost");
    return super.beat();
  }

  override append(batch: Batch): Promise<void> {
    return this.isCut ? new Promise(() => {}) : super.append(batch);
  }
}

/** Control planes over one log, in this process. */
class Planes {
  readonly clouds: Cloud[] = [];
  readonly logs: CutLog[][] = [];
  readonly folders: string[] = [];
  readonly #shared = new SharedMemory(host.clock);

  async add(): Promise<Cloud> {
    const dataFolder = await mkdtemp(join(tmpdir(), "canopy-planes-"));
    this.folders.push(dataFolder);
    const [first] = this.clouds;
    const logs: CutLog[] = [];
    this.logs.push(logs);
    const cloud = await startCloud(host, {
      dataFolder,
      host: "127.0.0.1",
      port: 0,
      awsPort: 0,
      version: "0.0.0-test",
      onBroken: (thrown) => assert.fail(String(thrown)),
      log: {
        open: () => {
          const log = new CutLog(this.#shared);
          logs.push(log);
          return log;
        },
        openBlobs: () =>
          FileBlobs.open({
            files: nodeFiles,
            clock: nodeClock,
            folder: join(this.folders[0]!, "blobs"),
          }),
        secrets: { agree: async (_name, proposed) => first?.rootToken ?? proposed },
      },
    });
    this.clouds.push(cloud);
    await until(async () => (await this.status(cloud)).controlPlanes.length === this.clouds.length);
    return cloud;
  }

  status(cloud: Cloud): Promise<StatusView> {
    return cloud.call<StatusView>("GET", "/v1/status");
  }

  async stop(): Promise<void> {
    await Promise.all(this.clouds.map((cloud) => cloud.stop()));
    for (const folder of this.folders) await rm(folder, { recursive: true });
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((next) => setTimeout(next, 20));
}

async function startPlanes(count: number): Promise<Planes> {
  const planes = new Planes();
  after(() => planes.stop());
  for (let number = 0; number < count; number++) await planes.add();
  return planes;
}

function ask(cloud: Cloud, path: string, init: RequestInit = {}, key = cloud.rootToken) {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${key}`);
  return fetch(`${cloud.url}${path}`, { ...init, headers });
}

const listJob = {
  title: "test",
  steps: [
    { name: "main", run: { driver: "process", command: ["true"] }, source: { type: "list" } },
  ],
};

test("a follower takes writes, which can be read everywhere at once, and checks keys itself", async () => {
  const { clouds } = await startPlanes(3);
  const [leader, one, other] = clouds as [Cloud, Cloud, Cloud];
  const body = { title: "t", role: "submitter" };
  const { key } = await one.call<MadeKeyView>("POST", "/v1/keys", body);
  for (const cloud of [leader, one, other]) {
    const answer = await ask(cloud, "/v1/projects", {}, key);
    assert.equal(answer.status, 200, await answer.text());
    assert.equal((await ask(cloud, "/v1/projects", {}, "canopy_key_unknown")).status, 401);
    assert.equal((await ask(cloud, "/v1/jobs", { method: "POST" }, "nobody")).status, 401);
  }
  const all = clouds.map(({ url }) => url).join(",");
  await until(async () => {
    const answer = await ask(one, "/v1/projects");
    return answer.headers.get("canopy-control-planes") === all;
  });
  const job = await one.call<JobView>("POST", "/v1/jobs", listJob);
  assert.equal((await other.call<JobView>("GET", `/v1/jobs/${job.id}`)).id, job.id);
  const stream = await ask(other, `/v1/events?after=0`);
  const { value } = await stream.body!.getReader().read();
  assert.match(Buffer.from(value!).toString(), /^id: 1\nevent: changes/);
});

test("calls of AWS to a follower are answered by the leader, which knows where they came from", async () => {
  const { clouds } = await startPlanes(2);
  const [leader, follower] = clouds as [Cloud, Cloud];
  const asked = { title: "t" };
  const credentials = await leader.call<MadeAccessKeyView>("POST", "/v1/access-keys", asked);
  const clientOf = ({ awsUrl: endpoint }: Cloud) =>
    new SQSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  const { QueueUrl } = await clientOf(follower).send(new CreateQueueCommand({ QueueName: "q" }));
  await clientOf(follower).send(new SendMessageCommand({ QueueUrl, MessageBody: "a" }));
  const received = await clientOf(leader).send(new ReceiveMessageCommand({ QueueUrl }));
  assert.equal(received.Messages?.[0]?.Body, "a");
  // Who says of itself to be a control plane is not believed where a call came from.
  await fetch(`${leader.url}/`, {
    headers: { "canopy-door": "aws", "canopy-asked-from": "9.9.9.9", "canopy-asked-proof": "00" },
  });
  const { items } = await leader.call<TrailPage>("GET", "/v1/trail?service=sqs&kind=data");
  assert.deepEqual(
    items.map(({ operation, from }) => [operation, from]),
    [
      ["ReceiveMessage", "127.0.0.1"],
      ["SendMessage", "127.0.0.1"],
    ],
  );
  const strangers = await leader.call<TrailPage>("GET", "/v1/trail?who=anonymous");
  assert.deepEqual(
    strangers.items.map(({ from }) => from),
    ["127.0.0.1"],
  );
});

test("an object that is on its way when its cloud is stopped is taken, and nobody else is let in", async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), "canopy-stops-"));
  const cloud = await startCloud(host, {
    dataFolder,
    host: "127.0.0.1",
    port: 0,
    awsPort: 0,
    version: "0.0.0-test",
    onBroken: (thrown) => assert.fail(String(thrown)),
    log: new SqliteLog(join(dataFolder, "space.db"), { durability: "normal" }),
  });
  const asked = { title: "t" };
  const credentials = await cloud.call<MadeAccessKeyView>("POST", "/v1/access-keys", asked);
  const { awsUrl: endpoint } = cloud;
  const signedFor = (path: string) =>
    presignedUrl(
      { method: "PUT", origin: endpoint, path, query: {}, headers: {} },
      { credentials, region: "us-east-1", nowMs: Date.now(), expiresMs: 60_000 },
    );
  assert.equal((await fetch(signedFor("/on-its-way"), { method: "PUT" })).status, 200);
  const headers = { "content-length": 10, expect: "100-continue" };
  const sending = request(signedFor("/on-its-way/k"), { method: "PUT", headers });
  sending.flushHeaders();
  await once(sending, "continue");
  sending.write("01234");
  const stopped = cloud.stop();
  await until(() =>
    fetch(endpoint).then(
      () => false,
      () => true,
    ),
  );
  sending.end("56789");
  const [answer] = (await once(sending, "response")) as [IncomingMessage];
  assert.equal(answer.statusCode, 200);
  answer.resume();
  await stopped;
  await rm(dataFolder, { recursive: true });
});

test("bodies and streams go through a follower whole, whatever their size", async () => {
  const { clouds } = await startPlanes(2);
  const [, follower] = clouds as [Cloud, Cloud];
  const content = Buffer.alloc(3 * limits.forwardBodyBytesMax, "x");
  const init = {
    method: "POST",
    body: content,
    headers: { "content-type": "application/octet-stream" },
  };
  const put = await ask(follower, "/v1/blobs", init);
  const { key } = (await put.json()) as { key: string };
  const got = await ask(clouds[0]!, `/v1/blobs/${key}`);
  assert.ok(Buffer.from(await got.arrayBuffer()).equals(content));

  const job = await follower.call<JobView>("POST", "/v1/jobs", listJob);
  const line = `${JSON.stringify("y".repeat(10_000))}\n`;
  const appended = await ask(follower, `/v1/jobs/${job.id}/steps/0/tasks?from=0`, {
    method: "POST",
    body: line.repeat(500),
    headers: { "content-type": "application/x-ndjson" },
  });
  assert.equal(appended.status, 200, await appended.text());
  const events = await ask(follower, `/v1/jobs/${job.id}/events`);
  const { value } = await events.body!.getReader().read();
  assert.match(Buffer.from(value!).toString(), /"offered":500/);
});

test("a machine that dials a follower is served by the leader, and told of all", async () => {
  const { clouds } = await startPlanes(2);
  const [leader, follower] = clouds as [Cloud, Cloud];
  const { token } = await follower.call<{ token: string }>("POST", "/v1/join-tokens", {});
  const joined = await follower.call<{ machine: string; key: string }>(
    "POST",
    "/v1/machines/join",
    { token, hostname: "m", labels: {} },
  );
  const agent = await dial(follower.url, joined.machine, joined.key);
  agent.send(hello());
  const welcome = await agent.next("welcome");
  assert.deepEqual(welcome.controlPlanes, [leader.url, follower.url]);
  assert.equal((await leader.call<StatusView>("GET", "/v1/status")).machinesConnected, 1);
  const stopping = leader.stop();
  await agent.closed;
  const again = await dial(follower.url, joined.machine, joined.key);
  again.send(hello());
  assert.deepEqual((await again.next("welcome")).controlPlanes[0], follower.url);
  again.close();
  await stopping;
  await assert.rejects(dial(follower.url, joined.machine, "wrong"), /401/);
});

test("a leader that stops loses no call that goes by the others", async () => {
  const planes = await startPlanes(3);
  const [leader, one, other] = planes.clouds as [Cloud, Cloud, Cloud];
  let count = 0;
  let isOver = false;
  const write = async (cloud: Cloud) => {
    while (!isOver) {
      const name = `p${count++}`;
      await cloud.call("POST", "/v1/projects", { name, title: name });
    }
  };
  const writing = [write(one), write(other), write(one)];
  const over = Promise.all(writing);
  try {
    await Promise.race([over, until(async () => count > 50)]);
    await leader.stop();
    const atStop = count;
    await Promise.race([over, until(async () => count > atStop + 50)]);
  } finally {
    isOver = true;
  }
  await over;
  const written: string[] = [];
  for (let next: string | undefined = ""; next !== undefined;) {
    const path = `/v1/projects?limit=1000&cursor=${next}`;
    const page: Page<{ name: string }> = await one.call("GET", path);
    written.push(...page.items.map(({ name }) => name));
    next = page.next;
  }
  assert.equal(new Set(written).size, count + 1);
});

test("a leader cut off from the log says 'unavailable', and follows when another leads", async () => {
  const planes = await startPlanes(2);
  const [first, second] = planes.clouds as [Cloud, Cloud];
  for (const log of planes.logs[0]!) log.isCut = true;
  const body = JSON.stringify({ name: "lost", title: "" });
  const init = { method: "POST", body, headers: { "content-type": "application/json" } };
  const answer = await ask(first, "/v1/projects", init);
  assert.equal(answer.status, 503);
  assert.ok(answer.headers.get("retry-after"));
  const isLeader = ({ role, url }: ControlPlaneView) => role === "leader" && url === second.url;
  await until(async () => (await planes.status(second)).controlPlanes.some(isLeader));
  await first.call("POST", "/v1/projects", { name: "kept", title: "" });
  const { items } = await first.call<{ items: { name: string }[] }>("GET", "/v1/projects");
  assert.deepEqual(items.map(({ name }) => name).sort(), ["default", "kept"]);
  assert.equal(planes.logs[0]!.length, 2, "it began anew, once");
});
