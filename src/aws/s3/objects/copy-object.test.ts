import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type CopyObjectCommandInput,
} from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "copies";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
  await s3.client.send(new CreateBucketCommand({ Bucket: "copies-elsewhere" }));
  await s3.client.send(
    new PutObjectCommand({
      Bucket,
      Key: "a b",
      Body: "bytes",
      ContentType: "text/plain",
      Metadata: { m: "1" },
      Tagging: "t=1",
      StorageClass: "STANDARD_IA",
    }),
  );
});
after(() => s3.stop());

const copy = (more: Partial<CopyObjectCommandInput> = {}) =>
  s3.client.send(
    new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/a%20b`, ...more }),
  );
const head = (Key: string, bucket = Bucket) =>
  s3.client.send(new HeadObjectCommand({ Bucket: bucket, Key }));

test("CopyObject takes what is said of the source along, or what the call says instead", async () => {
  const made = await copy({ Bucket: "copies-elsewhere" });
  assert.equal(made.CopyObjectResult?.ETag, (await head("a b")).ETag);
  const same = await head("copy", "copies-elsewhere");
  assert.deepEqual([same.ContentType, same.Metadata, same.TagCount], ["text/plain", { m: "1" }, 1]);
  assert.equal(same.StorageClass, undefined);
  await copy({
    MetadataDirective: "REPLACE",
    Metadata: { n: "2" },
    TaggingDirective: "REPLACE",
    Tagging: "u=2",
  });
  const other = await head("copy");
  assert.deepEqual(other.Metadata, { n: "2" });
  const tags = await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: "copy" }));
  assert.deepEqual(tags.TagSet, [{ Key: "u", Value: "2" }]);
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: "copy" }));
  assert.equal(await got.Body!.transformToString(), "bytes");
});

test("CopyObject onto itself must change something", async () => {
  await copy();
  const onto = { Key: "copy", CopySource: `${Bucket}/copy` };
  await assert.rejects(copy(onto), { name: "InvalidRequest" });
  await copy({ ...onto, MetadataDirective: "REPLACE", Metadata: { z: "3" } });
  assert.deepEqual((await head("copy")).Metadata, { z: "3" });
  await copy({ ...onto, StorageClass: "STANDARD_IA" });
  assert.equal((await head("copy")).StorageClass, "STANDARD_IA");
});

test("CopyObject copies only what its conditions meet", async () => {
  const { ETag } = await head("a b");
  await copy({ CopySourceIfMatch: ETag });
  for (const condition of [
    { CopySourceIfMatch: '"x"' },
    { CopySourceIfNoneMatch: ETag },
    { CopySourceIfModifiedSince: new Date(Date.now() + 60_000) },
    { CopySourceIfUnmodifiedSince: new Date(0) },
    { IfNoneMatch: "*" },
    { IfMatch: '"x"' },
  ])
    await assert.rejects(copy(condition), { name: "PreconditionFailed" });
});

test("CopyObject names what is wrong with its source", async () => {
  await assert.rejects(copy({ CopySource: `${Bucket}/nothing` }), { name: "NoSuchKey" });
  await assert.rejects(copy({ CopySource: "no-such-bucket/k" }), { name: "NoSuchBucket" });
  await assert.rejects(copy({ CopySource: "nothing" }), { name: "InvalidArgument" });
  await assert.rejects(copy({ MetadataDirective: "KEEP" as "COPY" }), { name: "InvalidArgument" });
  await assert.rejects(copy({ CopySource: `${Bucket}/a%20b?versionId=${"0".repeat(32)}` }), {
    name: "NoSuchVersion",
  });
});

test("CopyObject leaves nothing open of a large source when it is refused", async () => {
  const Body = Buffer.alloc(2 * limits.packedObjectBytesMax);
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "large", Body }));
  const refused = await s3.raw({
    method: "PUT",
    path: `/${Bucket}/copy`,
    headers: {
      "x-amz-copy-source": `${Bucket}/large`,
      "x-amz-checksum-algorithm": "CRC",
      "content-length": "0",
    },
  });
  assert.equal(refused.code, "InvalidRequest");
  const open = readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(join(s3.folder, "files"));
    } catch {
      return false; // that of the folder itself
    }
  });
  assert.deepEqual(open, []);
});
