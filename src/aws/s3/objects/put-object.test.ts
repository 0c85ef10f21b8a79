import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import {
  ChecksumAlgorithm,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { sha256 } from "#/sdk/objects/signature.ts";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "puts";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
});
after(() => s3.stop());

const get = async (Key: string) =>
  (await s3.client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray();
const isThere = async (Key: string) => {
  const list = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
  return list.KeyCount !== 0;
};
const put = (path: string, more: Partial<Parameters<typeof s3.raw>[0]> = {}) =>
  s3.raw({ method: "PUT", path: `/${Bucket}/${path}`, body: "hello", ...more });

test("PutObject keeps bytes under keys of any letters", async () => {
  for (const Key of [
    "../../etc/passwd",
    "/a//b/",
    ".",
    "..",
    "with space+plus&<x>\"'",
    "%41%2F",
    "a?b#c",
    "ü/☃/日本語",
    "\u0001\u0002\n\t",
    "k".repeat(1024),
  ]) {
    await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    assert.equal(Buffer.from(await get(Key)).toString(), Key);
  }
});

test("PutObject keeps what is said of an object", async () => {
  const said = {
    ContentType: "text/plain",
    CacheControl: "no-cache",
    ContentDisposition: 'attachment; filename="a"',
    ContentEncoding: "identity",
    ContentLanguage: "de",
    ExpiresString: "Tue, 01 Jan 2030 00:00:00 GMT",
    WebsiteRedirectLocation: "/other",
    StorageClass: "STANDARD_IA" as const,
    Metadata: { colour: "blue", empty: "" },
  };
  await s3.client.send(
    new PutObjectCommand({
      Bucket,
      Key: "said",
      Body: "x",
      Tagging: "a=1&b=2",
      ...said,
      Expires: new Date("2030-01-01T00:00:00Z"),
    }),
  );
  const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: "said" }));
  for (const [name, value] of Object.entries(said))
    assert.deepEqual(head[name as keyof typeof head], value, name);
  assert.equal(head.TagCount, 2);
});

for (const algorithm of Object.values(ChecksumAlgorithm).filter((name) =>
  ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"].includes(name),
))
  test(`PutObject holds a body against its ${algorithm}, in a header or behind its chunks`, async (t) => {
    const field = `Checksum${algorithm}` as "ChecksumCRC32";
    const Body = Buffer.from("a body with a checksum");
    const base = { Bucket, Key: `sum-${algorithm}`, ChecksumAlgorithm: algorithm };
    let answer;
    try {
      answer = await s3.client.send(new PutObjectCommand({ ...base, Body }));
    } catch (thrown) {
      // Clients in JavaScript compute it only with a native part of the SDK, which is not needed otherwise.
      if (!/CRT|crt/.test(String(thrown))) throw thrown;
      t.diagnostic("the SDK cannot compute it here");
      return;
    }
    const sum = answer[field];
    assert.ok(sum);
    const streamed = await s3.client.send(
      new PutObjectCommand({
        ...base,
        Body: Readable.from([Body]),
        ContentLength: Body.length,
      }),
    );
    assert.equal(streamed[field], sum);
    const head = await s3.client.send(
      new HeadObjectCommand({ Bucket, Key: base.Key, ChecksumMode: "ENABLED" }),
    );
    assert.equal(head[field], sum);
    assert.equal(head.ChecksumType, "FULL_OBJECT");
    assert.deepEqual(Buffer.from(await get(base.Key)), Body);
    await assert.rejects(
      s3.client.send(new PutObjectCommand({ ...base, Key: "other", Body: "other", [field]: sum })),
      { name: "BadDigest" },
    );
    await assert.rejects(
      s3.client.send(
        new PutObjectCommand({ ...base, Key: "other", Body: "other", [field]: "bad" }),
      ),
      { name: "InvalidRequest" },
    );
    assert.equal(await isThere("other"), false);
  });

test("PutObject takes a large body as a stream, in chunks with a trailer", async () => {
  const piece = Buffer.alloc(1 << 20, "abcdefg");
  const pieces = 12;
  const hash = createHash("md5");
  for (let index = 0; index < pieces; index++) hash.update(piece);
  const answer = await s3.client.send(
    new PutObjectCommand({
      Bucket,
      Key: "large",
      Body: Readable.from(Array.from({ length: pieces }, () => piece)),
      ContentLength: pieces * piece.length,
    }),
  );
  assert.equal(answer.ETag, `"${hash.digest("hex")}"`);
  assert.ok(answer.ChecksumCRC32);
  assert.equal((await get("large")).length, pieces * piece.length);
});

test("PutObject writes only if its condition holds, and of two at once one wins", async () => {
  const base = { Bucket, Key: "once", Body: "1" };
  const all = await Promise.allSettled(
    Array.from({ length: 8 }, () =>
      s3.client.send(new PutObjectCommand({ ...base, IfNoneMatch: "*" })),
    ),
  );
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
  for (const one of all)
    if (one.status === "rejected") assert.equal((one.reason as Error).name, "PreconditionFailed");
  const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: "once" }));
  await s3.client.send(new PutObjectCommand({ ...base, Body: "2", IfMatch: head.ETag }));
  await assert.rejects(
    s3.client.send(new PutObjectCommand({ ...base, Body: "3", IfMatch: head.ETag })),
    { name: "PreconditionFailed" },
  );
  await assert.rejects(
    s3.client.send(new PutObjectCommand({ ...base, Key: "none", IfMatch: head.ETag })),
    { name: "NoSuchKey" },
  );
});

test("PutObject computes CRC64NVME where nothing was announced", async () => {
  const answer = await put("plain");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-amz-checksum-crc64nvme"), "M3eFcAZSQlc=");
  assert.equal(answer.headers.get("etag"), '"5d41402abc4b2a76b9719d911017c592"');
  assert.match(answer.headers.get("x-amz-request-id") ?? "", /^[0-9A-F]{16}$/);
  assert.ok(answer.headers.get("x-amz-id-2"));
});

test("PutObject refuses what is not as it was promised, and nothing of it is left", async () => {
  const expected: [string, number, Partial<Parameters<typeof s3.raw>[0]>][] = [
    ["InvalidDigest", 400, { headers: { "content-md5": "abc" } }],
    ["BadDigest", 400, { headers: { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" } }],
    ["XAmzContentSHA256Mismatch", 400, { contentHash: sha256("other") }],
    ["InvalidStorageClass", 400, { headers: { "x-amz-storage-class": "COLDISH" } }],
    ["InvalidArgument", 400, { headers: { "x-amz-tagging": "a=1&a=2" } }],
    ["InvalidTag", 400, { headers: { "x-amz-tagging": "a%3Cb=1" } }],
    ["MetadataTooLarge", 400, { headers: { "x-amz-meta-a": "x".repeat(2048) } }],
    ["InvalidRedirectLocation", 400, { headers: { "x-amz-website-redirect-location": "x" } }],
    [
      "InvalidRedirectLocation",
      400,
      { headers: { "x-amz-website-redirect-location": `/${"x".repeat(2048)}` } },
    ],
    ["NotImplemented", 501, { headers: { "if-none-match": '"x"' } }],
    ["InvalidArgument", 400, { headers: { "x-amz-server-side-encryption": "ROT13" } }],
    ["AccessControlListNotSupported", 400, { headers: { "x-amz-acl": "public-read" } }],
    [
      "InvalidRequest",
      400,
      { headers: { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "x" } },
    ],
    ["InvalidRequest", 400, { headers: { "x-amz-sdk-checksum-algorithm": "CRC32" } }],
    ["InvalidRequest", 400, { headers: { "x-amz-object-lock-legal-hold": "ON" } }],
    ["MissingContentLength", 411, { unsignedHeaders: { "content-length": "(none)" }, body: "" }],
    ["EntityTooLarge", 400, { unsignedHeaders: { "content-length": String(5 * 2 ** 30 + 1) } }],
    [
      "NotImplemented",
      501,
      {
        unsignedHeaders: { "content-length": "(none)", "transfer-encoding": "chunked" },
        body: "5\r\nhello\r\n0\r\n\r\n",
        contentHash: "UNSIGNED-PAYLOAD",
      },
    ],
    [
      "IncompleteBody",
      400,
      {
        contentHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        headers: { "x-amz-decoded-content-length": "9" },
        body: "5\r\nhello\r\n0\r\n\r\n",
      },
    ],
  ];
  for (const [code, status, request] of expected) {
    const answer = await put("refused", request);
    assert.deepEqual([answer.code, answer.status], [code, status], JSON.stringify(request));
  }
  assert.equal(await isThere("refused"), false);
});

test("PutObject refuses a large body that is not what was signed", async () => {
  const body = Buffer.alloc(3 << 20, "abc");
  const answer = await put("refused", { body, contentHash: sha256("other") });
  assert.equal(answer.code, "XAmzContentSHA256Mismatch");
  assert.equal(await isThere("refused"), false);
  assert.equal((await put("large-signed", { body })).status, 200);
  assert.deepEqual(Buffer.from(await get("large-signed")), body);
});

test("PutObject refuses keys that are too long or no letters, and tells of no other bucket", async () => {
  const codes = async (path: string) => {
    const { code, status } = await s3.raw({ method: "PUT", path, body: "x" });
    return [code, status];
  };
  assert.deepEqual(await codes(`/${Bucket}/${"k".repeat(1025)}`), ["KeyTooLongError", 400]);
  assert.deepEqual(await codes(`/${Bucket}/%FF%FE`), ["InvalidURI", 400]);
  assert.deepEqual(await codes(`/${Bucket}/%zz`), ["InvalidURI", 400]);
  assert.deepEqual(await codes(`/no-such-bucket-here/k`), ["NoSuchBucket", 404]);
});

test("PutObject lets a body in only once it knows that it will take it", async () => {
  const refused = await put("waits", {
    waitsForContinue: true,
    headers: { "x-amz-storage-class": "COLDISH" },
  });
  assert.equal(refused.code, "InvalidStorageClass");
  const taken = await put("waits", { waitsForContinue: true });
  assert.equal(taken.status, 200);
  assert.equal(Buffer.from(await get("waits")).toString(), "hello");
});

test("PutObject keeps nothing of a body that breaks off, small or large", async () => {
  for (const length of [1000, 3 << 20]) {
    await put("broken", {
      body: Buffer.alloc(500),
      contentHash: "UNSIGNED-PAYLOAD",
      unsignedHeaders: { "content-length": String(length) },
      hangsUp: true,
    });
    assert.equal(await isThere("broken"), false);
  }
});

test("PutObject takes no part of an upload that says not which, or of none", async () => {
  for (const [name, value] of [
    ["uploadId", "some"],
    ["partNumber", "1"],
  ] as const) {
    const refused = await put("part", { query: { [name]: value } });
    assert.deepEqual([refused.status, refused.code], [400, "InvalidArgument"]);
  }
  assert.equal(await isThere("part"), false);
});
