import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { AwsClient } from "aws4fetch";
import { Client as Minio } from "minio";
import { bytesOf, Ground } from "./ground.ts";

/** What others have written for S3 is used as it comes, with its own defaults for checksums, parts and addresses. */
let ground: Ground;
const MiB = 1024 * 1024;
const large = bytesOf(20 * MiB + 5, 7);
const file = (name: string) => join(ground.folder, name);
const same = (name: string) =>
  assert.ok(readFileSync(file(name)).equals(large), `${name} is what was sent`);
const credentials = () => {
  const { accessKeyId, secretAccessKey } = ground.key;
  return { accessKeyId, secretAccessKey };
};

before(async () => {
  ground = await Ground.start("tools");
  writeFileSync(file("large"), large);
  mkdirSync(file("tree/a"), { recursive: true });
  for (const name of ["x", "a/y", "a/z ü+%"]) writeFileSync(file(`tree/${name}`), `it is ${name}`);
});
after(() => ground.stop());

test("awscli copies, syncs, presigns, versions and removes", async () => {
  await ground.must("aws", "s3", "cp", "large", "s3://tools/aws/large");
  await ground.must("aws", "s3", "cp", "s3://tools/aws/large", "aws-back");
  same("aws-back");
  await ground.must("aws", "s3", "sync", "tree", "s3://tools/aws/tree");
  assert.equal(await ground.must("aws", "s3", "sync", "tree", "s3://tools/aws/tree"), "");
  const url = (await ground.must("aws", "s3", "presign", "s3://tools/aws/tree/x")).trim();
  assert.equal(await (await fetch(url)).text(), "it is x");
  await ground.must("aws", "s3", "mb", "s3://tools-versions");
  const bucket = ["--bucket", "tools-versions"];
  const on = ["--versioning-configuration", "Status=Enabled"];
  await ground.must("aws", "s3api", "put-bucket-versioning", ...bucket, ...on);
  for (const name of ["x", "a/y"])
    await ground.must(
      "aws",
      "s3api",
      "put-object",
      ...bucket,
      "--key",
      "k",
      "--body",
      `tree/${name}`,
    );
  await ground.must("aws", "s3", "rm", "s3://tools-versions/k");
  const listed = JSON.parse(
    await ground.must("aws", "s3api", "list-object-versions", ...bucket),
  ) as {
    Versions: { VersionId: string }[];
    DeleteMarkers: object[];
  };
  assert.deepEqual([listed.Versions.length, listed.DeleteMarkers.length], [2, 1]);
  const first = listed.Versions[1]!.VersionId;
  await ground.must(
    "aws",
    "s3api",
    "get-object",
    ...bucket,
    "--key",
    "k",
    "--version-id",
    first,
    "old",
  );
  assert.equal(readFileSync(file("old"), "utf8"), "it is x");
  await ground.must("aws", "s3", "rm", "--recursive", "s3://tools/aws");
  assert.equal((await ground.run("aws", "s3", "ls", "s3://tools/aws")).code, 1);
});

test("awscli keeps to each of the checksums that it makes itself", async () => {
  for (const algorithm of ["CRC32", "SHA1", "SHA256"]) {
    const key = `sums/${algorithm}`;
    await ground.must(
      "aws",
      "s3",
      "cp",
      "large",
      `s3://tools/${key}`,
      "--checksum-algorithm",
      algorithm,
    );
    await ground.must("aws", "s3", "cp", `s3://tools/${key}`, "sum-back");
    same("sum-back");
    const asked = ["--bucket", "tools", "--key", key, "--checksum-mode", "ENABLED"];
    assert.match(
      await ground.must("aws", "s3api", "head-object", ...asked),
      new RegExp(`Checksum${algorithm}"`),
    );
  }
});

test("s3cmd makes a bucket, puts, gets, lists, syncs and removes", async () => {
  const { accessKeyId, secretAccessKey } = ground.key;
  const host = new URL(ground.endpoint).host;
  const settings = [
    "[default]",
    `access_key = ${accessKeyId}`,
    `secret_key = ${secretAccessKey}`,
    `host_base = ${host}`,
    `host_bucket = ${host}/%(bucket)`,
    "use_https = False",
  ];
  writeFileSync(file("s3cfg"), `${settings.join("\n")}\n`);
  const s3cmd = (...args: string[]) =>
    ground.must("s3cmd", "-c", "s3cfg", "--no-progress", ...args);
  await s3cmd("mb", "s3://tools-s3cmd");
  await s3cmd("put", "large", "s3://tools-s3cmd/large");
  await s3cmd("get", "s3://tools-s3cmd/large", "s3cmd-back");
  same("s3cmd-back");
  await s3cmd("sync", "tree/", "s3://tools-s3cmd/tree/");
  assert.match(await s3cmd("ls", "-r", "s3://tools-s3cmd"), /tree\/a\/z ü\+%/);
  assert.match(await s3cmd("info", "s3://tools-s3cmd/large"), /File size: +20971525/);
  await s3cmd("cp", "s3://tools-s3cmd/large", "s3://tools-s3cmd/copy");
  await s3cmd("rb", "--force", "--recursive", "s3://tools-s3cmd");
});

test("rclone copies, checks byte by byte, moves and purges", async () => {
  const rclone = (...args: string[]) => ground.must("rclone", ...args);
  await rclone("mkdir", "cloud:tools-rclone");
  await rclone("copyto", "large", "cloud:tools-rclone/large");
  await rclone("copy", "tree", "cloud:tools-rclone/tree");
  await rclone("check", "--download", "tree", "cloud:tools-rclone/tree");
  await rclone("copyto", "cloud:tools-rclone/large", "rclone-back");
  same("rclone-back");
  await rclone("moveto", "cloud:tools-rclone/large", "cloud:tools-rclone/moved");
  const listed = (await rclone("lsf", "-R", "--files-only", "cloud:tools-rclone"))
    .trim()
    .split("\n");
  assert.deepEqual(listed.sort(), ["moved", "tree/a/y", "tree/a/z ü+%", "tree/x"]);
  await rclone("purge", "cloud:tools-rclone");
});

test("boto3 pages, streams, deletes many and is told errors by their codes", async () => {
  writeFileSync(
    file("boto.py"),
    `
import boto3
from botocore.exceptions import ClientError
import os
s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
s3.create_bucket(Bucket="tools-boto")
s3.upload_file("large", "tools-boto", "large", ExtraArgs={"Metadata": {"colour": "blue"}})
s3.download_file("tools-boto", "large", "boto-back")
assert s3.head_object(Bucket="tools-boto", Key="large")["Metadata"] == {"colour": "blue"}
for n in range(25): s3.put_object(Bucket="tools-boto", Key=f"n/{n:03}", Body=str(n).encode())
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="tools-boto", Prefix="n/", PaginationConfig={"PageSize": 10})
keys = [o["Key"] for page in pages for o in page["Contents"]]
assert keys == [f"n/{n:03}" for n in range(25)], keys
part = s3.get_object(Bucket="tools-boto", Key="large", Range="bytes=5-9")["Body"].read()
assert part == open("large", "rb").read()[5:10]
for code, call in (
    ("NoSuchKey", lambda: s3.get_object(Bucket="tools-boto", Key="none")),
    ("NoSuchBucket", lambda: s3.list_objects_v2(Bucket="tools-none")),
    ("BucketNotEmpty", lambda: s3.delete_bucket(Bucket="tools-boto")),
    ("PreconditionFailed", lambda: s3.get_object(Bucket="tools-boto", Key="large", IfMatch='"00"')),
):
    try: call()
    except ClientError as error: assert error.response["Error"]["Code"] == code, error
    else: raise AssertionError(code)
gone = s3.delete_objects(Bucket="tools-boto", Delete={"Objects": [{"Key": key} for key in keys + ["large"]]})
assert len(gone["Deleted"]) == 26
s3.delete_bucket(Bucket="tools-boto")
`,
  );
  await ground.must("/usr/bin/python3", "boto.py");
  same("boto-back");
});

test("the AWS SDK for JavaScript puts, streams, uploads in parts and signs addresses, as it does by default", async () => {
  const { S3 } = await import("@aws-sdk/client-s3");
  const s3 = new S3({
    endpoint: ground.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: credentials(),
  });
  const Bucket = "tools-sdk";
  await s3.createBucket({ Bucket });
  await s3.putObject({ Bucket, Key: "small", Body: "hello", ContentType: "text/plain" });
  const got = await s3.getObject({ Bucket, Key: "small" });
  assert.equal(await got.Body!.transformToString(), "hello");
  assert.ok(got.ChecksumCRC32, "the checksum that the SDK sends by default is kept");
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "large" });
  const Parts = [];
  for (let at = 0, PartNumber = 1; at < large.length; at += 8 * MiB, PartNumber++) {
    const Body = large.subarray(at, at + 8 * MiB);
    const sent = await s3.uploadPart({ Bucket, Key: "large", UploadId, PartNumber, Body });
    Parts.push({ PartNumber, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 });
  }
  await s3.completeMultipartUpload({ Bucket, Key: "large", UploadId, MultipartUpload: { Parts } });
  const back = await (await s3.getObject({ Bucket, Key: "large" })).Body!.transformToByteArray();
  assert.ok(large.equals(back));
  await assert.rejects(s3.getObject({ Bucket, Key: "none" }), { name: "NoSuchKey" });
  s3.destroy();
});

test("minio's client makes, puts, streams, lists and removes", async () => {
  const { hostname, port } = new URL(ground.endpoint);
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = ground.key;
  const minio = new Minio({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey,
    secretKey,
    region: "us-east-1",
  });
  await minio.makeBucket("tools-minio");
  assert.equal(await minio.bucketExists("tools-minio"), true);
  await minio.fPutObject("tools-minio", "large", file("large"), { "content-type": "image/png" });
  await minio.fGetObject("tools-minio", "large", file("minio-back"));
  same("minio-back");
  await minio.putObject("tools-minio", "a/b", Buffer.from("hello"));
  assert.equal(await text(await minio.getObject("tools-minio", "a/b")), "hello");
  const names = (await Array.fromAsync(minio.listObjectsV2("tools-minio", "", true))) as {
    name: string;
  }[];
  assert.deepEqual(
    names.map(({ name }) => name),
    ["a/b", "large"],
  );
  const url = await minio.presignedGetObject("tools-minio", "a/b", 60);
  assert.equal(await (await fetch(url)).text(), "hello");
  await minio.removeObjects("tools-minio", ["a/b", "large"]);
  await minio.removeBucket("tools-minio");
});

test("aws4fetch signs what fetch sends", async () => {
  const client = new AwsClient({ ...credentials(), service: "s3", region: "us-east-1" });
  const url = `${ground.endpoint}/tools/fetched`;
  const put = await client.fetch(url, { method: "PUT", body: "by fetch" });
  const md5 = createHash("md5").update("by fetch").digest("hex");
  assert.deepEqual([put.status, put.headers.get("etag")], [200, `"${md5}"`]);
  const signed = await client.sign(`${url}?X-Amz-Expires=60`, { aws: { signQuery: true } });
  assert.equal(await (await fetch(signed)).text(), "by fetch");
});
