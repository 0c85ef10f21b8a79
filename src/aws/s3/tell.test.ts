import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";

const place = { atOnceMax: 1, isThere: () => true, tell: () => Promise.resolve() };
const port = await startAwsPort({ places: { webhook: place } });
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

test("what changes of an object is on disk for those who asked, before it is acknowledged", async () => {
  const Bucket = "told";
  const TopicArn = `arn:canopy:webhook:us-east-1:${accountId}:mine`;
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  await client.send(
    new sdk.PutBucketVersioningCommand({
      Bucket,
      VersioningConfiguration: { Status: "Enabled" },
    }),
  );
  await client.send(
    new sdk.PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        TopicConfigurations: [
          {
            TopicArn,
            Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"],
          },
        ],
      },
    }),
  );
  const at = { Bucket, Key: "a" };
  const put = await client.send(new sdk.PutObjectCommand({ ...at, Body: "abc" }));
  await client.send(new sdk.CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a` }));
  await client.send(
    new sdk.PutObjectTaggingCommand({ ...at, Tagging: { TagSet: [{ Key: "k", Value: "v" }] } }),
  );
  const { UploadId } = await client.send(
    new sdk.CreateMultipartUploadCommand({ Bucket, Key: "c" }),
  );
  const part = { Bucket, Key: "c", UploadId, PartNumber: 1 };
  const { ETag } = await client.send(new sdk.UploadPartCommand({ ...part, Body: "part" }));
  await client.send(
    new sdk.CompleteMultipartUploadCommand({
      Bucket,
      Key: "c",
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  );
  await client.send(new sdk.DeleteObjectCommand(at));
  await client.send(
    new sdk.DeleteObjectsCommand({
      Bucket,
      Delete: { Objects: [{ Key: "a", VersionId: put.VersionId! }] },
    }),
  );
  interface Told {
    eventName: string;
    s3: { object: { key: string; size?: number; eTag?: string; versionId?: string } };
  }
  const told = [...port.parts.space.list("notice", TopicArn)]
    .map(({ spec }) => JSON.parse(spec.body) as { Records?: [Told] })
    .flatMap(({ Records = [] }) => Records as Told[]);
  assert.deepEqual(
    told.map(({ eventName, s3 }) => [eventName, s3.object.key, s3.object.size]),
    [
      ["ObjectCreated:Put", "a", 3],
      ["ObjectCreated:Copy", "b", 3],
      ["ObjectTagging:Put", "a", 3],
      ["ObjectCreated:CompleteMultipartUpload", "c", 4],
      ["ObjectRemoved:DeleteMarkerCreated", "a", undefined],
      ["ObjectRemoved:Delete", "a", undefined],
    ],
  );
  assert.equal(told[0]!.s3.object.versionId, put.VersionId);
  assert.equal(`"${told[0]!.s3.object.eTag}"`, put.ETag);
  assert.equal(told[5]!.s3.object.versionId, put.VersionId);
});

/** A bucket of which everything is told to somebody. */
async function toldOf(Bucket: string): Promise<string> {
  const TopicArn = `arn:canopy:webhook:us-east-1:${accountId}:${Bucket}`;
  const Events: sdk.Event[] = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"];
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  await client.send(
    new sdk.PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: { TopicConfigurations: [{ TopicArn, Events }] },
    }),
  );
  return TopicArn;
}

/** An upload of one part, and what completes it. */
async function uploadOf(Bucket: string, Key: string) {
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }));
  const part = { Bucket, Key, UploadId, PartNumber: 1 };
  const { ETag } = await client.send(new sdk.UploadPartCommand({ ...part, Body: "part" }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  return new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload });
}

test("an upload that is completed again is told again, as nobody knows whether it was", async () => {
  const arn = await toldOf("again");
  const complete = await uploadOf("again", "a");
  await client.send(complete);
  await client.send(complete);
  const told = [...port.parts.space.list("notice", arn)].map(({ spec }) => spec.body);
  assert.equal(told.filter((body) => body.includes("CompleteMultipartUpload")).length, 2);
});

test("what cannot be told is refused before anything changed", async (t) => {
  const Bucket = "full";
  const at = { Bucket, Key: "a" };
  await toldOf(Bucket);
  await client.send(new sdk.PutObjectCommand({ ...at, Body: "before" }));
  const complete = await uploadOf(Bucket, "c");
  const once = new sdk.S3Client({ ...clientOptions(port.endpoint), maxAttempts: 1 });
  t.after(() => once.destroy());
  const { space, store, buckets } = port.parts;
  const { project, spec } = buckets.get(Bucket);
  for (let count = 0; count < limits.noticesOfProjectMax; count += 1000)
    space.commit((tx) => {
      for (let index = count; index < count + 1000; index++)
        tx.put<"notice">({
          kind: "notice",
          project,
          name: `elsewhere/n${index}`,
          spec: { to: "elsewhere", bucket: Bucket, body: "", at: 0 },
          status: {},
        });
    });
  const Tagging = { TagSet: [{ Key: "k", Value: "v" }] };
  for (const refused of [
    () => once.send(new sdk.PutObjectCommand({ ...at, Body: "after" })),
    () => once.send(new sdk.CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a` })),
    () => once.send(new sdk.PutObjectTaggingCommand({ ...at, Tagging })),
    () => once.send(new sdk.DeleteObjectTaggingCommand(at)),
    () => once.send(complete),
    () => once.send(new sdk.DeleteObjectCommand(at)),
    () => once.send(new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a" }] } })),
  ])
    await assert.rejects(refused, (thrown: sdk.S3ServiceException) => {
      assert.equal(`${thrown.name} ${thrown.$metadata.httpStatusCode}`, "SlowDown 503");
      return true;
    });
  const { entries } = await store.list(spec.id, { max: 10 });
  assert.deepEqual(
    entries.map(({ key, sizeBytes, tags }) => [key, sizeBytes, tags]),
    [["a", 6, undefined]],
  );
  const { uploads } = await store.listUploads(spec.id, { max: 10 });
  assert.equal(uploads.length, 1);
});

test("nothing is acknowledged that came into a bucket while it was deleted", async () => {
  const at = { Bucket: "going", Key: "a" };
  await client.send(new sdk.CreateBucketCommand({ Bucket: at.Bucket }));
  const { buckets, store } = port.parts;
  const put = store.put.bind(store);
  // The bucket goes when all but the answer is done.
  store.put = async (...asked) => {
    const made = await put(...asked);
    await store.delete(asked[0], { versioning: "off", ownerId: accountId });
    await buckets.remove(buckets.get(at.Bucket));
    return made;
  };
  const putting = client.send(new sdk.PutObjectCommand({ ...at, Body: "abc" }));
  await assert.rejects(putting, { name: "NoSuchBucket" }).finally(() => (store.put = put));
});

test("of puts and a deletion of their bucket at once, each that was acknowledged is there", async () => {
  for (let round = 0; round < 20; round++) {
    const Bucket = `race-${round}`;
    await client.send(new sdk.CreateBucketCommand({ Bucket }));
    const acknowledged: string[] = [];
    const puts = Array.from({ length: 8 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, (index * round) % 7));
      const Key = String(index);
      await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: Key })).then(
        () => acknowledged.push(Key),
        (thrown: Error) => assert.equal(thrown.name, "NoSuchBucket"),
      );
    });
    await new Promise((resolve) => setTimeout(resolve, round % 5));
    const gone = await client.send(new sdk.DeleteBucketCommand({ Bucket })).then(
      () => true,
      (thrown: Error) => assert.equal(thrown.name, "BucketNotEmpty"),
    );
    await Promise.all(puts);
    if (gone) {
      assert.deepEqual(acknowledged, []);
      continue;
    }
    const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket }));
    const there = Contents.map(({ Key }) => Key!);
    assert.ok(new Set(there).isSupersetOf(new Set(acknowledged)), `${acknowledged} of ${there}`);
  }
});
