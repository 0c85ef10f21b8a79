import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { oldFormSignature } from "#/access/signatures/form.ts";
import {
  accessKeyId,
  clientOptions,
  secretAccessKey,
  startAwsPort,
} from "#/aws/testing/aws-port.ts";
import { presignedUrl } from "#/sdk/objects/signature.ts";
import { AccessLog } from "./access-log.ts";
import { until } from "./testing/opened.ts";

const notes: Parameters<AccessLog["note"]>[] = [];
const port = await startAwsPort({ accessLog: { note: (...noted) => void notes.push(noted) } });
const { buckets, store, bucketEvents: events, objectKeys, clock, random, log } = port.parts;
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

/** What was noted, put into the target; the lines and their keys. */
async function delivered(prefix: string): Promise<{ keys: string[]; lines: string[] }> {
  const accessLog = new AccessLog({ buckets, store, events, objectKeys, clock, random, log });
  for (const noted of notes.splice(0)) accessLog.note(...noted);
  await accessLog.flush();
  const { Contents = [] } = await client.send(
    new sdk.ListObjectsV2Command({ Bucket: "logs", Prefix: prefix }),
  );
  const texts = Contents.map(async ({ Key }) => {
    const got = await client.send(new sdk.GetObjectCommand({ Bucket: "logs", Key }));
    assert.equal(got.ContentType, "text/plain");
    return got.Body!.transformToString();
  });
  const lines = (await Promise.all(texts)).join("").trimEnd().split("\n");
  return { keys: Contents.map(({ Key }) => Key!), lines };
}

test("each request to a bucket is a line in a file of its target", async () => {
  for (const Bucket of ["seen", "logs"]) await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const LoggingEnabled = { TargetBucket: "logs", TargetPrefix: "plain/" };
  const BucketLoggingStatus = { LoggingEnabled };
  await client.send(new sdk.PutBucketLoggingCommand({ Bucket: "seen", BucketLoggingStatus }));
  await until("the line of that", () => notes.length === 1);
  notes.length = 0;
  const at = { Bucket: "seen", Key: "a b/c" };
  await client.send(new sdk.PutObjectCommand({ ...at, Body: "12345" }));
  await client
    .send(new sdk.GetObjectCommand({ ...at, Range: "bytes=1-2" }))
    .then(({ Body }) => Body!.transformToByteArray());
  await client.send(new sdk.HeadObjectCommand({ Bucket: "seen", Key: "none" })).catch(() => {});
  await client.send(new sdk.GetBucketLoggingCommand({ Bucket: "seen" }));
  await fetch(`${port.endpoint}/seen/a?x="`, { headers: { "user-agent": 'odd " one' } });
  await until("five lines", () => notes.length === 5);
  const { keys, lines } = await delivered("plain/");
  assert.equal(keys.length, 1);
  assert.match(keys[0]!, /^plain\/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$/);
  const fields = lines.map((line) => line.match(/\[[^\]]*\]|"[^"]*"|\S+/g)!);
  for (const line of fields) {
    assert.equal(line.length, 27, line.join(" "));
    assert.match(line[0]!, /^[0-9a-f]{64}$/);
    assert.equal(line[1], "seen");
    assert.match(line[2]!, /^\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\]$/);
  }
  assert.deepEqual(
    fields.map((line) => [line[6], line[7], line[9], line[10], line[11], line[12], line[19]]),
    [
      ["REST.PUT.OBJECT", "a%20b/c", "200", "-", "-", "5", "SigV4"],
      ["REST.GET.OBJECT", "a%20b/c", "206", "-", "2", "5", "SigV4"],
      ["REST.HEAD.OBJECT", "none", "404", "NoSuchKey", "-", "-", "SigV4"],
      ["REST.GET.LOGGING_STATUS", "-", "200", "-", fields[3]![11], "-", "SigV4"],
      ["REST.GET.OBJECT", "a", "403", "AccessDenied", fields[4]![11], fields[4]![12], "-"],
    ],
  );
  assert.equal(fields[4]![16], '"odd %22 one"');
  assert.equal(fields[4]![4], "-");
});

test("a line says how its request was signed: by header, by query, or by neither as a form is", async () => {
  notes.length = 0;
  const expiration = new Date(Date.now() + 60_000).toISOString();
  const text = JSON.stringify({ expiration, conditions: [{ bucket: "seen" }, { key: "posted" }] });
  const policy = Buffer.from(text).toString("base64");
  const form = new FormData();
  form.append("key", "posted");
  form.append("AWSAccessKeyId", accessKeyId);
  form.append("policy", policy);
  form.append("signature", oldFormSignature(secretAccessKey, policy));
  form.append("file", new Blob(["x"]), "x");
  const answer = await fetch(`${port.endpoint}/seen`, { method: "POST", body: form });
  assert.equal(answer.status, 204);
  const at = { Bucket: "seen", Key: "posted" };
  await client.send(new sdk.HeadObjectCommand(at));
  const call = {
    method: "HEAD",
    origin: port.endpoint,
    path: "/seen/posted",
    query: {},
    headers: {},
  };
  const credentials = { accessKeyId, secretAccessKey };
  const by = { credentials, region: "us-east-1", nowMs: Date.now(), expiresMs: 60_000 };
  const url = presignedUrl(call, by);
  await fetch(url, { method: "HEAD" });
  await until("three lines", () => notes.length === 3);
  const { lines } = await delivered("plain/");
  const own = lines.filter((line) => /"POST |posted/.test(line));
  const fields = own.map((line) => line.match(/\[[^\]]*\]|"[^"]*"|\S+/g)!);
  assert.deepEqual(
    fields.map((line) => [line[19], line[21]]),
    [
      ["SigV2", "-"],
      ["SigV4", "AuthHeader"],
      ["SigV4", "QueryString"],
    ],
  );
});

test("a line has no secret of an address that is still good, and no fields of its client's making", async () => {
  notes.length = 0;
  const secret = "X-Amz-Signature=0a1b&X-Amz-Security-Token=2c3d&x=1";
  await fetch(`${port.endpoint}/seen/a?AWSAccessKeyId=none&Expires=9999999999&Signature=4e5f`);
  const sent = request({
    port: port.port,
    path: `/seen/a?${secret}`,
    headers: { host: "h TLSv1.3 forged" },
  });
  const answered = once(sent, "response");
  sent.end();
  const [answer] = (await answered) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  await until("both lines", () => notes.length === 2);
  const { lines } = await delivered("plain/");
  const old = lines.find((line) => line.includes("AWSAccessKeyId=none")) ?? "";
  const forged = lines.find((line) => line.includes("&x=1 HTTP")) ?? "";
  assert.match(old, /AWSAccessKeyId=none&Expires=9999999999&Signature=- HTTP/);
  assert.match(forged, /\?X-Amz-Signature=-&X-Amz-Security-Token=-&x=1 HTTP/);
  assert.doesNotMatch(forged, /forged/);
  assert.equal(forged.match(/\[[^\]]*\]|"[^"]*"|\S+/g)!.length, 27);
});

test("files of one day are in folders of that day, where that is asked", async () => {
  const LoggingEnabled: sdk.LoggingEnabled = {
    TargetBucket: "logs",
    TargetPrefix: "days/",
    TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: "EventTime" } },
  };
  await client.send(
    new sdk.PutBucketLoggingCommand({ Bucket: "seen", BucketLoggingStatus: { LoggingEnabled } }),
  );
  await until("the line of that", () => notes.length === 1);
  notes.length = 0;
  const bucket = buckets.get("seen");
  for (const day of [1, 2]) notes.push([bucket, { at: Date.UTC(2030, 0, day, 7), text: `${day}` }]);
  const { keys } = await delivered("days/");
  const { accountId } = bucket.spec;
  assert.deepEqual(
    keys.map((key) => key.slice(0, key.lastIndexOf("-"))),
    ["01", "02"].map(
      (day) => `days/${accountId}/us-east-1/seen/2030/01/${day}/2030-01-${day}-00-00-00`,
    ),
  );
});
