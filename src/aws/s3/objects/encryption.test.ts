import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { clientOptions } from "../../testing/aws-port.ts";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "secrets";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
});
after(() => s3.stop());

const customer = (key: Buffer) => ({
  SSECustomerAlgorithm: "AES256",
  SSECustomerKey: key.toString("base64"),
  SSECustomerKeyMD5: hash("md5", key, "base64"),
});
const get = async (Key: string, more: object = {}) =>
  (await s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToString();

test("a customer's key opens what it closed, and nothing else does", async () => {
  const mine = customer(randomBytes(32));
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "c", Body: "mine", ...mine }));
  assert.equal(await get("c", mine), "mine");
  assert.equal(await get("c", { ...mine, Range: "bytes=1-2" }), "in");
  await assert.rejects(get("c"), { name: "InvalidRequest" });
  await assert.rejects(get("c", customer(randomBytes(32))), { name: "AccessDenied" });
  const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: "c", ...mine }));
  assert.equal(head.SSECustomerKeyMD5, mine.SSECustomerKeyMD5);
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "plain", Body: "open" }));
  await assert.rejects(get("plain", mine), { name: "InvalidRequest" });
});

test("a customer's key must be one, and be said in full", async () => {
  const { key, ...said } = {
    key: randomBytes(32),
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
  };
  const name = "x-amz-server-side-encryption-customer";
  const put = (headers: Record<string, string>) =>
    s3.raw({ method: "PUT", path: `/${Bucket}/bad`, body: "x", headers });
  const text = key.toString("base64");
  const md5 = hash("md5", key, "base64");
  for (const [headers, code] of [
    [said, "InvalidArgument"],
    [{ ...said, [`${name}-key`]: text }, "InvalidArgument"],
    [{ ...said, [`${name}-key`]: "c2hvcnQ=", [`${name}-key-md5`]: md5 }, "InvalidArgument"],
    [{ ...said, [`${name}-key`]: text, [`${name}-key-md5`]: "AAAA" }, "InvalidArgument"],
    [{ [`${name}-key`]: text, [`${name}-key-md5`]: md5 }, "InvalidArgument"],
    [
      { [`${name}-algorithm`]: "DES", [`${name}-key`]: text, [`${name}-key-md5`]: md5 },
      "InvalidEncryptionAlgorithmError",
    ],
  ] as const)
    assert.equal((await put(headers)).code, code);
});

test("parts of an upload need the key that it began with", async () => {
  const mine = customer(randomBytes(32));
  const base = { Bucket, Key: "parts" };
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ ...base, ...mine }));
  const part = (more: object) =>
    s3.client.send(
      new UploadPartCommand({ ...base, UploadId, PartNumber: 1, Body: "part", ...more }),
    );
  await assert.rejects(part({}), { name: "InvalidRequest" });
  await assert.rejects(part(customer(randomBytes(32))), { name: "InvalidRequest" });
  const { ETag } = await part(mine);
  await s3.client.send(
    new CompleteMultipartUploadCommand({
      ...base,
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  );
  assert.equal(await get("parts", mine), "part");
});

test("a copy is opened with the one key and closed with the other", async () => {
  const [old, fresh] = [customer(randomBytes(32)), customer(randomBytes(32))];
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "old", Body: "moved", ...old }));
  await s3.client.send(
    new CopyObjectCommand({
      Bucket,
      Key: "fresh",
      CopySource: `${Bucket}/old`,
      CopySourceSSECustomerAlgorithm: "AES256",
      CopySourceSSECustomerKey: old.SSECustomerKey,
      CopySourceSSECustomerKeyMD5: old.SSECustomerKeyMD5,
      ...fresh,
    }),
  );
  assert.equal(await get("fresh", fresh), "moved");
});

test("what is to be encrypted with the cloud's keys is not on disk as it came", async () => {
  const Body = `needle ${"x".repeat(100)}`;
  const put = await s3.client.send(
    new PutObjectCommand({ Bucket, Key: "s", Body, ServerSideEncryption: "AES256" }),
  );
  assert.equal(put.ServerSideEncryption, "AES256");
  assert.equal(await get("s"), Body);
  const bare = await s3.client.send(
    new PutObjectCommand({ Bucket, Key: "bare", Body: "haystack" }),
  );
  assert.equal(bare.ServerSideEncryption, undefined);
  const disk = Buffer.concat(
    readdirSync(s3.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(`${parentPath}/${name}`)),
  );
  assert.equal(disk.includes("needle"), false);
  assert.equal(disk.includes("haystack"), true);
});

test("a key of the key service encrypts for who may use it, and not while it is disabled", async () => {
  const kms = new KMSClient(clientOptions(s3.endpoint));
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const SSEKMSKeyId = KeyMetadata!.Arn!;
  const put = await s3.client.send(
    new PutObjectCommand({
      Bucket,
      Key: "kms",
      Body: "by a key",
      ServerSideEncryption: "aws:kms",
      SSEKMSKeyId: KeyMetadata!.KeyId,
      SSEKMSEncryptionContext: Buffer.from('{"team":"a"}').toString("base64"),
    }),
  );
  assert.deepEqual([put.ServerSideEncryption, put.SSEKMSKeyId], ["aws:kms", SSEKMSKeyId]);
  assert.equal(await get("kms"), "by a key");
  const CopySource = `${Bucket}/kms`;
  await s3.client.send(new CopyObjectCommand({ Bucket, Key: "plain copy", CopySource }));
  assert.equal(await get("plain copy"), "by a key");
  await kms.send(new DisableKeyCommand({ KeyId: KeyMetadata!.KeyId }));
  await assert.rejects(get("kms"), { name: "KMS.DisabledException" });
  kms.destroy();
});

test("a call that names no key is given the one that S3 has in its account", async () => {
  const put = (Key: string, more: object = {}) =>
    s3.client.send(
      new PutObjectCommand({ Bucket, Key, Body: "x", ServerSideEncryption: "aws:kms", ...more }),
    );
  const first = await put("standard");
  assert.match(first.SSEKMSKeyId ?? "", /^arn:aws:kms:us-east-1:\d{12}:key\//);
  assert.equal((await put("standard again")).SSEKMSKeyId, first.SSEKMSKeyId);
  assert.equal(await get("standard"), "x");
  await assert.rejects(put("other", { SSEKMSKeyId: "00000000-0000-0000-0000-000000000000" }), {
    name: "KMS.NotFoundException",
  });
});

test("parts of an upload are encrypted by the key that it began with", async () => {
  const base = { Bucket, Key: "kms parts" };
  const begun = await s3.client.send(
    new CreateMultipartUploadCommand({ ...base, ServerSideEncryption: "aws:kms" }),
  );
  const { UploadId } = begun;
  const { ETag } = await s3.client.send(
    new UploadPartCommand({ ...base, UploadId, PartNumber: 1, Body: "part" }),
  );
  const Parts = [{ PartNumber: 1, ETag }];
  const made = await s3.client.send(
    new CompleteMultipartUploadCommand({ ...base, UploadId, MultipartUpload: { Parts } }),
  );
  assert.equal(made.SSEKMSKeyId, begun.SSEKMSKeyId);
  assert.equal(await get("kms parts"), "part");
});

test("a bucket says what is encrypted when a call does not", async () => {
  await s3.client.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    }),
  );
  const put = await s3.client.send(new PutObjectCommand({ Bucket, Key: "d", Body: "by default" }));
  assert.equal(put.ServerSideEncryption, "AES256");
  assert.equal(await get("d"), "by default");
});
