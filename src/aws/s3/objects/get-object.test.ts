import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectAttributesCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { accessKeyId, secretAccessKey } from "../../testing/aws-port.ts";
import { ObjectsClient } from "#/sdk/objects/store.ts";
import { thisWorld } from "#/sdk/world.ts";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "gets";
const Key = "ten";
let s3: Awaited<ReturnType<typeof startS3>>;
let etag = "";
before(async () => {
  s3 = await startS3(Bucket);
  const put = new PutObjectCommand({ Bucket, Key, Body: "0123456789", CacheControl: "no-store" });
  etag = (await s3.client.send(put)).ETag!;
});
after(() => s3.stop());

const read = (headers: Record<string, string> = {}, query: Record<string, string> = {}) =>
  s3.raw({ method: "GET", path: `/${Bucket}/${Key}`, headers, query });

test("GetObject gives ranges as HTTP has them", async () => {
  for (const [range, status, body, told] of [
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=0-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=4-2", 200, "0123456789", undefined],
    ["bytes=0-1,4-5", 200, "0123456789", undefined],
  ] as const) {
    const answer = await read({ range });
    assert.deepEqual(
      [answer.status, answer.body, answer.headers.get("content-range")],
      [status, body, told],
    );
  }
  const beyond = await read({ range: "bytes=10-12" });
  assert.deepEqual([beyond.status, beyond.code], [416, "InvalidRange"]);
  assert.match(beyond.body, /<ActualObjectSize>10<\/ActualObjectSize>/);
});

test("GetObject of an object without bytes gives it whole, and no range of it", async () => {
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "empty", Body: "" }));
  const path = `/${Bucket}/empty`;
  const whole = await s3.raw({ method: "GET", path });
  assert.deepEqual([whole.status, whole.headers.get("content-length")], [200, "0"]);
  const range = await s3.raw({ method: "GET", path, headers: { range: "bytes=0-" } });
  assert.equal(range.code, "InvalidRange");
});

test("GetObject answers conditions with 304 and 412", async () => {
  const unchanged = await read({ "if-none-match": etag });
  assert.deepEqual([unchanged.status, unchanged.body], [304, ""]);
  assert.equal(unchanged.headers.get("etag"), etag);
  assert.equal(unchanged.headers.get("cache-control"), "no-store");
  const failed = await read({ "if-match": '"other"' });
  assert.deepEqual([failed.status, failed.code], [412, "PreconditionFailed"]);
  assert.match(failed.body, /<Condition>If-Match<\/Condition>/);
  const since = new Date(Date.now() + 5_000).toUTCString();
  assert.equal((await read({ "if-modified-since": since })).status, 304);
  assert.equal((await read({ "if-match": etag, "if-none-match": etag })).status, 304);
});

test("GetObject lets who signed say what the answer's headers are, and nobody else", async () => {
  const query = { "response-content-type": "a/b", "response-content-disposition": "inline" };
  const answer = await read({}, query);
  assert.equal(answer.headers.get("content-type"), "a/b");
  assert.equal(answer.headers.get("content-disposition"), "inline");
  const split = await read({}, { "response-content-type": "a\r\nset-cookie: x" });
  assert.equal(split.code, "InvalidArgument");
});

test("GetObject of one part gives that part, and says how many there are", async () => {
  const one = await read({}, { partNumber: "1" });
  assert.deepEqual([one.status, one.body], [206, "0123456789"]);
  const two = await read({}, { partNumber: "2" });
  assert.deepEqual([two.status, two.code], [416, "InvalidPartNumber"]);
  assert.equal((await read({}, { partNumber: "0" })).code, "InvalidArgument");
  const both = await read({ range: "bytes=0-1" }, { partNumber: "1" });
  assert.equal(both.code, "InvalidRequest");
});

test("HeadObject tells as much as GetObject, and of errors their status alone", async () => {
  const head = await s3.raw({ method: "HEAD", path: `/${Bucket}/${Key}` });
  assert.deepEqual([head.status, head.body, head.headers.get("content-length")], [200, "", "10"]);
  const missing = await s3.raw({ method: "HEAD", path: `/${Bucket}/nothing` });
  assert.deepEqual([missing.status, missing.body], [404, ""]);
  assert.ok(missing.headers.get("x-amz-request-id"));
  const failed = await s3.raw({
    method: "HEAD",
    path: `/${Bucket}/${Key}`,
    headers: { "if-match": '"x"' },
  });
  assert.deepEqual([failed.status, failed.body], [412, ""]);
});

test("GetObject gives each of many readers its own bytes, also when others go away in the middle", async () => {
  const keys = ["a", "b", "c", "d"];
  const bodyOf = (key: string) => Buffer.alloc(5 << 20, `${key}-0123456789`);
  for (const one of keys)
    await s3.client.send(new PutObjectCommand({ Bucket, Key: `large/${one}`, Body: bodyOf(one) }));
  const readAll = async (one: string) => {
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: `large/${one}` }));
    const pieces: Buffer[] = [];
    for await (const piece of got.Body as AsyncIterable<Buffer>) {
      pieces.push(Buffer.from(piece));
      if (pieces.length % 5 === 0) await new Promise(setImmediate);
    }
    assert.ok(Buffer.concat(pieces).equals(bodyOf(one)), one);
  };
  const leave = async (one: string) => {
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: `large/${one}` }));
    for await (const _piece of got.Body as AsyncIterable<Buffer>) break;
  };
  for (let round = 0; round < 3; round++)
    await Promise.all(keys.flatMap((one) => [readAll(one), leave(one), readAll(one)]));
});

test("GetObject tells a stranger nothing, not even what is not there", async () => {
  for (const key of [Key, "nothing"]) {
    const answer = await s3.raw({ method: "GET", path: `/${Bucket}/${key}`, isAnonymous: true });
    assert.deepEqual([answer.status, answer.code], [403, "AccessDenied"]);
  }
});

test("GetObject names what is not there", async () => {
  const query = (name: string, value: string) =>
    s3.raw({ method: "GET", path: `/${Bucket}/${Key}`, query: { [name]: value } });
  await assert.rejects(s3.client.send(new GetObjectCommand({ Bucket, Key: "nothing" })), {
    name: "NoSuchKey",
  });
  assert.equal((await query("versionId", "")).code, "InvalidArgument");
  assert.equal((await query("versionId", "0".repeat(32))).code, "NoSuchVersion");
});

test("GetObjectAttributes tells what is asked, and refuses what there is not", async () => {
  const answer = await s3.client.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key,
      ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"],
    }),
  );
  assert.equal(`"${answer.ETag}"`, etag);
  assert.deepEqual([answer.ObjectSize, answer.StorageClass], [10, "STANDARD"]);
  assert.ok(answer.Checksum?.ChecksumCRC32);
  const asked = (attributes: string) =>
    s3.raw({
      method: "GET",
      path: `/${Bucket}/${Key}`,
      query: { attributes: "" },
      headers: { "x-amz-object-attributes": attributes },
    });
  assert.equal((await asked("ETag,Colour")).code, "InvalidArgument");
  assert.equal((await asked("")).code, "InvalidRequest");
});

test("GetObject leaves no file open for who asks for much at once and hangs up", async () => {
  const Body = Buffer.alloc(6_000_000, "large ");
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "large", Body }));
  const client = new ObjectsClient(
    {
      endpoint: s3.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId, secretAccessKey },
      from: "the test",
    },
    thisWorld(),
  );
  const url = new URL(client.presign("GET", { bucket: Bucket, key: "large" }, 60_000));
  const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`;
  const openFiles = () =>
    readdirSync("/proc/self/fd").filter((name) => {
      try {
        return /\/files\/\d+\/[0-9a-f]+$/.test(readlinkSync(`/proc/self/fd/${name}`));
      } catch {
        return false;
      }
    }).length;
  for (let count = 0; count < 5; count++) {
    const socket = connect(Number(url.port), url.hostname);
    socket.write(request.repeat(5));
    await once(socket, "data");
    socket.destroy();
  }
  for (let turns = 0; turns < 500 && openFiles() > 0; turns++) await sleep(10);
  assert.equal(openFiles(), 0);
});
