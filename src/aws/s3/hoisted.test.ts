import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/transport";
import { SignatureV4 } from "@smithy/signature-v4";
import { accessKeyId, region, secretAccessKey } from "../testing/aws-port.ts";
import { credentials, startS3 } from "./testing/s3-door.ts";

const Bucket = "hoisted";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
});
after(() => s3.stop());

async function presigned(key: string, query: Record<string, string>): Promise<string> {
  const signer = new SignatureV4({
    credentials,
    region,
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
  });
  const { host, hostname, port } = new URL(s3.endpoint);
  const path = `/${Bucket}/${key}`;
  const signed = await signer.presign(
    new HttpRequest({
      method: "PUT",
      hostname,
      port: Number(port),
      path,
      query,
      headers: { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    }),
    { expiresIn: 60 },
  );
  return `${s3.endpoint}${path}?${new URLSearchParams(signed.query as Record<string, string>)}`;
}

test("headers in the query of a presigned address count as headers", async () => {
  const url = await presigned("a", {
    "x-amz-meta-color": "grün",
    "x-amz-tagging": "a=b",
    "x-amz-storage-class": "STANDARD_IA",
  });
  assert.equal((await fetch(url, { method: "PUT", body: "x" })).status, 200);
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: "a" }));
  assert.deepEqual([got.TagCount, got.StorageClass], [1, "STANDARD_IA"]);
  assert.deepEqual(got.Metadata, { color: "=?UTF-8?B?Z3LDvG4=?=" });
  const copy = await presigned("b", { "x-amz-copy-source": `/${Bucket}/a` });
  assert.match(await (await fetch(copy, { method: "PUT" })).text(), /<CopyObjectResult/);
});

test("checksums of the nothing that was there when an address was presigned count for nothing", async () => {
  const url = await presigned("sum", {
    "x-amz-checksum-crc32": "AAAAAA==",
    "x-amz-sdk-checksum-algorithm": "CRC32",
  });
  assert.equal((await fetch(url, { method: "PUT", body: "something" })).status, 200);
});

test("the same of version 2, and for nobody who has not signed", async () => {
  const expires = Math.floor(Date.now() / 1000) + 60;
  const path = `/${Bucket}/old`;
  const text = `PUT\n\n\n${expires}\nx-amz-meta-color:blue\n${path}`;
  const signature = createHmac("sha1", secretAccessKey).update(text).digest("base64");
  const query = new URLSearchParams({
    AWSAccessKeyId: accessKeyId,
    Signature: signature,
    Expires: String(expires),
    "x-amz-meta-color": "blue",
  });
  const put = () =>
    fetch(`${s3.endpoint}${path}?${query}`, { method: "PUT", body: Buffer.from("x") });
  assert.equal((await put()).status, 200);
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: "old" }));
  assert.deepEqual(got.Metadata, { color: "blue" });
  query.set("x-amz-meta-color", "red");
  assert.equal((await put()).status, 403);
});
