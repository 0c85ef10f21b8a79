import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { sleep } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { NotificationRule } from "#/model/bucket-notification.ts";
import type { BucketEvent } from "#/model/bucket-event.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { newNotice } from "#/model/notice.ts";
import { webhookArn } from "#/model/webhook.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { startDeliveries } from "./deliveries.ts";
import { BucketEvents } from "./events.ts";
import type { Message, Place } from "./places.ts";
import { Webhooks } from "./webhooks.ts";

const { clock: nodeClock, random, network } = nodeHost(silent);
const accountId = "111122223333";
const queue = `arn:aws:sqs:us-east-1:${accountId}:jobs`;
const ofQueue: NotificationRule = {
  id: "all",
  to: { kind: "queue", arn: queue },
  events: ["s3:ObjectCreated:*"],
  prefix: "in/",
};

function bucketWith(...rules: NotificationRule[]): BucketRecord {
  return {
    kind: "bucket",
    project: "default",
    serial: 1,
    revision: 1,
    name: "pictures",
    spec: {
      id: "b1",
      createdAt: 0,
      region: "us-east-1",
      accountId,
      versioning: "enabled",
      notification: { rules },
    },
    status: {},
  };
}

const put = (key: string, more: Partial<BucketEvent> = {}): BucketEvent => ({
  name: "ObjectCreated:Put",
  at: Date.UTC(2030, 0, 1),
  key,
  sizeBytes: 3,
  etag: "0cc175b9c0f1b6a831c399e269772661",
  versionId: "v1",
  principalId: "AIDAEXAMPLE",
  sourceIp: "192.0.2.1",
  requestId: "R1",
  ...more,
});

const onBroken = (thrown: unknown) => assert.fail(String(thrown));

/** A queue that answers as it is told. */
class Answering implements Place {
  readonly atOnceMax = 3;
  readonly told: Message[] = [];
  fault: string | undefined;
  isThereNow = true;

  isThere(): boolean {
    return this.isThereNow;
  }

  tell(_arn: string, _project: string, message: Message): Promise<void> {
    if (this.fault !== undefined) return Promise.reject(new Error(this.fault));
    this.told.push(message);
    return Promise.resolve();
  }
}

async function open(t: TestContext, log = new MemoryLog(), clock = new ManualClock()) {
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const place = new Answering();
  const events = new BucketEvents({ space, clock, random });
  const start = () => {
    const deliveries = startDeliveries({ space, clock, log: silent, places: { sqs: place } });
    t.after(() => deliveries.stop());
    return deliveries;
  };
  return { space, place, events, clock, start };
}

test("an event is told in S3's words, once, to those whose rules are about it", async (t) => {
  const { place, events, clock, start } = await open(t);
  start();
  const bucket = bucketWith(ofQueue);
  assert.equal(events.tell(bucket, put("out/a")), undefined);
  assert.equal(events.tell(bucket, put("in/a", { name: "ObjectRemoved:Delete" })), undefined);
  const kept = events.tell(bucket, put("in/a b+ä"));
  await clock.advance(10);
  await kept;
  await clock.advance(10_000);
  assert.equal(place.told.length, 1);
  const [record] = (JSON.parse(place.told[0]!.body) as { Records: object[] }).Records;
  const { s3, ...rest } = record as { s3: { bucket: object; object: { sequencer: string } } };
  assert.partialDeepStrictEqual(rest, {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: "us-east-1",
    eventTime: "2030-01-01T00:00:00.000Z",
    eventName: "ObjectCreated:Put",
    userIdentity: { principalId: "AIDAEXAMPLE" },
    requestParameters: { sourceIPAddress: "192.0.2.1" },
  });
  const { sequencer, ...object } = s3.object;
  assert.deepEqual(object, {
    key: "in/a+b%2B%C3%A4",
    size: 3,
    eTag: "0cc175b9c0f1b6a831c399e269772661",
    versionId: "v1",
  });
  assert.match(sequencer, /^[0-9A-F]{18}$/);
});

test("of two events the later has the greater sequencer", async (t) => {
  const { place, events, clock, start } = await open(t);
  start();
  const bucket = bucketWith(ofQueue);
  for (const key of ["in/a", "in/a", "in/a"]) void events.tell(bucket, put(key));
  void events.tell(bucket, put("in/a", { at: Date.UTC(2030, 0, 2) }));
  await clock.advance(10_000);
  const sequencers = place.told.map(
    ({ body }) => /"sequencer":"(\w+)"/.exec(body)?.[1] ?? assert.fail(body),
  );
  assert.equal(sequencers.length, 4);
  assert.deepEqual(sequencers, [...new Set(sequencers)].sort());
});

test("what was not told before a crash is told after it, by the same id", async (t) => {
  const log = new MemoryLog();
  const first = await open(t, log);
  const stopped = first.start();
  first.place.fault = "no answer";
  void first.events.tell(bucketWith(ofQueue), put("in/a"));
  await first.clock.advance(500);
  const [waiting] = [...first.space.all("notice")];
  stopped.stop();
  const second = await open(t, log, first.clock);
  second.start();
  await second.clock.advance(limits.noticeRetryMsMax);
  assert.equal(second.place.told.length, 1);
  assert.equal(`${queue}/${second.place.told[0]!.id}`, waiting!.name);
  assert.deepEqual([...second.space.all("notice")], []);
});

test("a message waits longer after each failure, and is given up in the end", async (t) => {
  const { place, events, clock, space, start } = await open(t);
  start();
  place.fault = "no answer";
  void events.tell(bucketWith(ofQueue), put("in/a"));
  await clock.advance(500);
  const status = () => [...space.all("notice")][0]?.status;
  assert.equal(status()?.failures, 1);
  await clock.advance(2_000);
  assert.equal(status()?.failures, 2);
  await clock.advance(limits.noticeRetryMsMax * limits.noticeTriesMax);
  assert.equal(status(), undefined);
  place.fault = undefined;
  await clock.advance(limits.noticeRetryMsMax);
  assert.deepEqual(place.told, []);
});

test("of one instance a place is told in order, also where telling fails, and others do not wait for it", async (t) => {
  const { place, clock, space, start } = await open(t);
  start();
  const keep = (instance: string, body: string) =>
    space.commit((tx) =>
      tx.put<"notice">(newNotice("default", `n${body}`, { to: queue, instance, body, at: 0 })),
    );
  const told: string[] = [];
  let failures = 2;
  place.tell = async (_arn, _project, { body, sender }) => {
    assert.equal(sender, "events.amazonaws.com");
    if (body === "1" && failures-- > 0) throw new Error("no answer");
    await sleep(clock, body === "2" ? 50 : 1);
    told.push(body);
  };
  for (const body of ["1", "2", "3"]) keep("i-1", body);
  keep("i-2", "other");
  await clock.advance(60_000);
  assert.deepEqual(told, ["other", "1", "2", "3"]);
});

test("what a place that is gone was to be told is dropped", async (t) => {
  const { place, events, clock, space, start } = await open(t);
  start();
  place.isThereNow = false;
  void events.tell(bucketWith(ofQueue), put("in/a"));
  await clock.advance(5_000);
  assert.deepEqual([...space.all("notice")], []);
  assert.deepEqual(place.told, []);
});

test("a webhook is told by a signed POST, and counts what it was never told", async (t) => {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      got.push({ headers: request.headers, body: Buffer.concat(pieces).toString() });
      response.writeHead(got.length === 1 ? 500 : 204).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const clock = nodeClock;
  const space = await Space.open({
    log: new MemoryLog(),
    clock,
    report: silent,
    onBroken,
  });
  const sealer = {
    seal: (plain: string) => `sealed ${plain}`,
    unseal: (text: string) => text.slice(7),
  };
  const webhooks = new Webhooks({ space, sealer, clock, random, network });
  const secret = webhooks.newSecret();
  const url = `http://127.0.0.1:${port}/events`;
  space.commit((tx) => webhooks.create(tx, { project: "default", name: "mine", url }, secret));
  const arn = webhookArn("us-east-1", accountId, "mine");
  assert.equal(webhooks.isThere(arn, "default"), true);
  assert.equal(webhooks.isThere(arn, "other"), false);
  const deliveries = startDeliveries({ space, clock, log: silent, places: { webhook: webhooks } });
  t.after(() => deliveries.stop());
  const events = new BucketEvents({ space, clock, random });
  await events.tell(bucketWith({ ...ofQueue, to: { kind: "topic", arn } }), put("in/a"));
  while (got.length < 2 || space.count("notice", arn) > 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const [first, second] = got as [(typeof got)[0], (typeof got)[0]];
  assert.equal(first.headers["webhook-id"], second.headers["webhook-id"]);
  assert.equal(first.body, second.body);
  const { "webhook-id": id, "webhook-timestamp": at } = second.headers;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  assert.equal(
    second.headers["webhook-signature"],
    `v1,${createHmac("sha256", key)
      .update(`${String(id)}.${String(at)}.${second.body}`)
      .digest("base64")}`,
  );
});

test("create() of a webhook takes names and addresses that are some", async () => {
  const clock = nodeClock;
  const log = new MemoryLog();
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const sealer = { seal: (plain: string) => plain, unseal: (text: string) => text };
  const webhooks = new Webhooks({ space, sealer, clock, random, network });
  const make = (name: string, url: string) => () =>
    space.commit((tx) => webhooks.create(tx, { project: "default", name, url }, "whsec_"));
  assert.throws(make("a b", "https://example.org"), /must be 1 to 64 letters/);
  assert.throws(make("a", "ftp://example.org"), /must begin with http/);
  assert.throws(make("a", "example"), /must begin with http/);
  assert.throws(make("a", "http://169.254.169.254/latest/api/token"), /must not be one of a link/);
  make("a", "https://example.org")();
  assert.throws(make("a", "https://example.org"), /there is one of that name/);
});

test("a project whose places do not answer is refused more events, and no other is", async (t) => {
  const { space, events, clock } = await open(t);
  const bucket = bucketWith(ofQueue);
  const other = { ...bucketWith(ofQueue), project: "other" };
  for (let count = 0; count < limits.noticesOfProjectMax; count += 1000) {
    space.commit((tx) => {
      for (let index = count; index < count + 1000; index++)
        tx.put<"notice">({
          kind: "notice",
          project: "default",
          name: `${queue}/n${index}`,
          spec: { to: queue, bucket: "pictures", body: "", at: 0 },
          status: {},
        });
    });
  }
  const require = (of: BucketRecord, key: string) =>
    events.requireRoom(of, "ObjectCreated:Put", key);
  assert.throws(() => require(bucket, "in/a"), { awsCode: "SlowDown" });
  require(bucket, "out/a");
  require(other, "in/a");
  // What had room before it was done is told, whatever came meanwhile.
  const kept = events.tell(bucket, put("in/a"));
  await clock.advance(10);
  await kept;
});

test("places that never answer, however many a project has, hold up no other project", async (t) => {
  const { space, events, clock } = await open(t);
  const told: string[] = [];
  let most = 0;
  const hanging: Place = {
    atOnceMax: 1,
    isThere: () => true,
    tell(arn, project) {
      if (project === "default") {
        most++;
        return new Promise(() => undefined);
      }
      told.push(arn);
      return Promise.resolve();
    },
  };
  const to = (index: number): NotificationRule => ({
    ...ofQueue,
    to: { kind: "queue", arn: `${queue}-${index}` },
  });
  for (let index = 0; index < limits.noticePlacesMax + 10; index++) {
    const kept = events.tell(bucketWith(to(index)), put("in/a"));
    await clock.advance(10);
    await kept;
  }
  const kept = events.tell({ ...bucketWith(to(999)), project: "other" }, put("in/a"));
  await clock.advance(10);
  await kept;
  const deliveries = startDeliveries({ space, clock, log: silent, places: { sqs: hanging } });
  t.after(() => deliveries.stop());
  await clock.advance(10_000);
  assert.deepEqual(told, [`${queue}-999`]);
  assert.equal(most, limits.noticePlacesOfProjectMax);
});
