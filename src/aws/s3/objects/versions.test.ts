import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, test } from "node:test";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "versions";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
  await version("Enabled");
});
after(() => s3.stop());

const version = (Status: "Enabled" | "Suspended") =>
  s3.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
const put = async (Key: string, Body: string) =>
  (await s3.client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId!;
const get = async (Key: string, VersionId?: string) => {
  const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key, VersionId }));
  return answer.Body!.transformToString();
};

test("DeleteObject hides an object behind a marker, which can go again", async () => {
  const [first, second] = [await put("k", "1"), await put("k", "2")];
  const hidden = await s3.client.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  assert.equal(hidden.DeleteMarker, true);
  const path = `/${Bucket}/k`;
  const gone = await s3.raw({ method: "GET", path });
  assert.deepEqual([gone.code, gone.headers.get("x-amz-delete-marker")], ["NoSuchKey", "true"]);
  const marker = await s3.raw({ method: "GET", path, query: { versionId: hidden.VersionId! } });
  assert.deepEqual([marker.status, marker.code], [405, "MethodNotAllowed"]);
  assert.equal(marker.headers.get("allow"), "DELETE");
  assert.equal(await get("k", first), "1");
  const list = await s3.client.send(new ListObjectVersionsCommand({ Bucket, Prefix: "k" }));
  assert.deepEqual(
    list.Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]),
    [
      [second, false],
      [first, false],
    ],
  );
  assert.equal(list.DeleteMarkers?.[0]?.IsLatest, true);
  const shown = await s3.client.send(
    new DeleteObjectCommand({ Bucket, Key: "k", VersionId: hidden.VersionId }),
  );
  assert.deepEqual([shown.DeleteMarker, shown.VersionId], [true, hidden.VersionId]);
  assert.equal(await get("k"), "2");
  await s3.client.send(new DeleteObjectCommand({ Bucket, Key: "k", VersionId: second }));
  assert.equal(await get("k"), "1");
});

test("DeleteObjects tells of each key what became of it", async () => {
  const first = await put("a", "1");
  const answer = await s3.client.send(
    new DeleteObjectsCommand({
      Bucket,
      Delete: {
        Objects: [{ Key: "a" }, { Key: "a", VersionId: first }, { Key: "k".repeat(1025) }],
      },
    }),
  );
  assert.deepEqual(
    answer.Deleted?.map(({ Key, VersionId, DeleteMarker }) => [Key, VersionId, DeleteMarker]),
    [
      ["a", undefined, true],
      ["a", first, undefined],
    ],
  );
  assert.deepEqual(
    answer.Errors?.map(({ Code }) => Code),
    ["KeyTooLongError"],
  );
  const quiet = await s3.client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Quiet: true, Objects: [{ Key: "b" }] } }),
  );
  assert.equal(quiet.Deleted, undefined);
});

test("DeleteObjects tells of what was removed, whatever becomes of another key", async () => {
  const { store } = s3.parts;
  const remove = store.delete;
  store.delete = (place, options) => {
    if (place.key.startsWith("broken")) throw new Error("its disk is gone");
    return remove.call(store, place, options);
  };
  const ask = (...keys: string[]) =>
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } });
  try {
    const { Deleted, Errors } = await s3.client.send(ask("broken", "whole"));
    assert.deepEqual(
      [Deleted?.map(({ Key }) => Key), Errors?.map(({ Key, Code }) => [Key, Code])],
      [["whole"], [["broken", "InternalError"]]],
    );
    await assert.rejects(s3.client.send(ask("broken", "broken-too")), { name: "InternalError" });
  } finally {
    store.delete = remove;
  }
});

test("DeleteObjects refuses documents that are none, empty, too long or without a digest", async () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    s3.raw({ method: "POST", path: `/${Bucket}`, query: { delete: "" }, body, headers });
  const codeOf = async (body: string) => (await post(body, { "content-md5": md5Of(body) })).code;
  assert.equal(await codeOf("<Delete></Delete>"), "MalformedXML");
  assert.equal(await codeOf("<Delete><Object>"), "MalformedXML");
  const bomb = `<!DOCTYPE a [<!ENTITY b "b">]><Delete><Object><Key>&b;</Key></Object></Delete>`;
  assert.equal(await codeOf(bomb), "MalformedXML");
  const many = "<Object><Key>k</Key></Object>".repeat(1001);
  assert.equal(await codeOf(`<Delete>${many}</Delete>`), "MalformedXML");
  const good = "<Delete><Object><Key>k</Key></Object></Delete>";
  assert.equal((await post(good)).code, "InvalidRequest");
  assert.equal((await post(good, { "content-md5": md5Of("other") })).code, "BadDigest");
  assert.equal((await post(good, { "content-md5": md5Of(good) })).status, 200);
});

test("a bucket whose versions are suspended keeps one that is named 'null'", async () => {
  const kept = await put("s", "kept");
  await version("Suspended");
  assert.equal(await put("s", "1"), "null");
  await put("s", "2");
  assert.equal(await get("s", "null"), "2");
  assert.equal(await get("s", kept), "kept");
  const hidden = await s3.client.send(new DeleteObjectCommand({ Bucket, Key: "s" }));
  assert.deepEqual([hidden.DeleteMarker, hidden.VersionId], [true, "null"]);
  const list = await s3.client.send(new ListObjectVersionsCommand({ Bucket, Prefix: "s" }));
  assert.deepEqual(
    list.Versions?.map(({ VersionId }) => VersionId),
    [kept],
  );
  await version("Enabled");
});

test("DeleteObject deletes only what is as its condition says", async () => {
  await put("c", "1");
  const remove = (headers: Record<string, string>) =>
    s3.raw({ method: "DELETE", path: `/${Bucket}/c`, headers });
  assert.equal((await remove({ "if-match": '"other"' })).code, "PreconditionFailed");
  assert.equal((await remove({ "if-match": md5HexOf("1") })).status, 204);
});

function md5Of(text: string): string {
  return hash("md5", text, "base64");
}

function md5HexOf(text: string): string {
  return `"${hash("md5", text, "hex")}"`;
}

test("a version that none could be is refused, and not looked for", async () => {
  await put("named", "1");
  const path = `/${Bucket}/named`;
  for (const method of ["GET", "DELETE"]) {
    const refused = await s3.raw({ method, path, query: { versionId: "bogus" } });
    assert.deepEqual([refused.status, refused.code], [400, "InvalidArgument"]);
  }
  const absent = await s3.raw({ method: "GET", path, query: { versionId: "0".repeat(32) } });
  assert.deepEqual([absent.status, absent.code], [404, "NoSuchVersion"]);
  const { Errors } = await s3.client.send(
    new DeleteObjectsCommand({
      Bucket,
      Delete: { Objects: [{ Key: "named", VersionId: "bogus" }] },
    }),
  );
  assert.deepEqual(
    Errors?.map(({ Code }) => Code),
    ["NoSuchVersion"],
  );
  assert.equal(await get("named"), "1");
});

test("DeleteObject on a condition says so where there is nothing", async () => {
  const absent = await s3.raw({
    method: "DELETE",
    path: `/${Bucket}/absent`,
    headers: { "if-match": "*" },
  });
  assert.deepEqual([absent.status, absent.code], [404, "NoSuchKey"]);
});
