import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ListObjectVersionsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import fc from "fast-check";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "lists";
const keys = [
  "asdf",
  "b a",
  "c+d",
  "e/f/g",
  "foo/bar",
  "foo/baz/xyzzy",
  "quux/thud",
  "ü/☃",
  "z\u0001",
];
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
  for (const Key of keys) await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
});
after(() => s3.stop());

/** What a list is, said as plainly as can be. */
function modelOf(prefix: string, delimiter: string): string[] {
  const found = new Set<string>();
  for (const key of [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    found.add(end < 0 ? key : key.slice(0, end + delimiter.length));
  }
  return [...found];
}

test("ListObjectsV2 and ListObjects give every entry once, in pages of any size", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("", "foo", "foo/", "e", "zzz", "ü"),
      fc.constantFrom("", "/", "a", "/ba"),
      fc.integer({ min: 1, max: 5 }),
      async (Prefix, Delimiter, MaxKeys) => {
        const base = { Bucket, Prefix, Delimiter, MaxKeys, EncodingType: "url" as const };
        const plain = (text: string) => decodeURIComponent(text.replaceAll("+", " "));
        const second: string[] = [];
        for (let ContinuationToken: string | undefined; ;) {
          const page = await s3.client.send(
            new ListObjectsV2Command({ ...base, ...(ContinuationToken && { ContinuationToken }) }),
          );
          const entries = [
            ...(page.Contents ?? []).map(({ Key }) => plain(Key!)),
            ...(page.CommonPrefixes ?? []).map(({ Prefix: one }) => plain(one!)),
          ];
          assert.equal(page.KeyCount, entries.length);
          assert.ok(entries.length <= MaxKeys);
          second.push(...entries);
          if (!page.IsTruncated) break;
          ContinuationToken = page.NextContinuationToken;
        }
        const first: string[] = [];
        for (let Marker = ""; ;) {
          const page = await s3.client.send(new ListObjectsCommand({ ...base, Marker }));
          const contents = (page.Contents ?? []).map(({ Key }) => plain(Key!));
          first.push(...contents);
          first.push(...(page.CommonPrefixes ?? []).map(({ Prefix: one }) => plain(one!)));
          if (!page.IsTruncated) break;
          Marker = page.NextMarker === undefined ? contents.at(-1)! : plain(page.NextMarker);
        }
        const expected = modelOf(Prefix, Delimiter).sort();
        assert.deepEqual(second.sort(), expected);
        assert.deepEqual(first.sort(), expected);
      },
    ),
    { numRuns: 40 },
  );
});

test("ListObjects encodes keys only for who asks, and control characters by number for others", async () => {
  const list = (query: Record<string, string>) =>
    s3.raw({ method: "GET", path: `/${Bucket}`, query });
  assert.match((await list({})).body, /<Key>z&#x1;<\/Key>/);
  assert.match((await list({ "encoding-type": "url" })).body, /<Key>z%01<\/Key>/);
  assert.match((await list({ "encoding-type": "url" })).body, /<Key>c%2Bd<\/Key>/);
  assert.equal((await list({ "encoding-type": "rot13" })).code, "InvalidArgument");
});

test("ListObjectsV2 names owners only for who asks, ListObjects always", async () => {
  const second = await s3.client.send(new ListObjectsV2Command({ Bucket, StartAfter: "foo/bar" }));
  assert.equal(second.Contents?.[0]?.Key, "foo/baz/xyzzy");
  assert.equal(second.Contents[0].Owner, undefined);
  const asked = await s3.client.send(new ListObjectsV2Command({ Bucket, FetchOwner: true }));
  assert.match(asked.Contents?.[0]?.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
  const first = await s3.client.send(new ListObjectsCommand({ Bucket }));
  assert.match(first.Contents?.[0]?.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
});

test("lists refuse numbers and tokens that are none", async () => {
  const codeOf = async (query: Record<string, string>) =>
    (await s3.raw({ method: "GET", path: `/${Bucket}`, query })).code;
  assert.equal(await codeOf({ "max-keys": "-1" }), "InvalidArgument");
  assert.equal(await codeOf({ "max-keys": "many" }), "InvalidArgument");
  assert.equal(
    await codeOf({ "list-type": "2", "continuation-token": "made up" }),
    "InvalidArgument",
  );
  assert.equal(await codeOf({ versions: "", "version-id-marker": "x" }), "InvalidArgument");
  const none = await s3.client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
  assert.deepEqual([none.IsTruncated, none.KeyCount], [false, 0]);
  await assert.rejects(s3.client.send(new ListObjectsV2Command({ Bucket: "not-there" })), {
    name: "NoSuchBucket",
  });
});

test("ListObjectVersions gives what has no versions as 'null'", async () => {
  const list = await s3.client.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 2 }));
  assert.deepEqual(
    list.Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
    [
      ["asdf", "null", true],
      ["b a", "null", true],
    ],
  );
  assert.equal(list.NextKeyMarker, "b a");
});
