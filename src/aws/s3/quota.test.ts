import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { clientOptions, startAwsPort } from "../testing/aws-port.ts";

const port = await startAwsPort();
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

async function bounded(Bucket: string, quota: { quotaBytes?: number; quotaObjects?: number }) {
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const { buckets } = port.parts;
  const { spec } = await buckets.change(buckets.get(Bucket), (before) => ({ ...before, ...quota }));
  const put = (Key: string, bytes: number) =>
    client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: "x".repeat(bytes) }));
  return { put, use: () => port.parts.store.use(spec.id) };
}

const isExceeded = (thrown: sdk.S3ServiceException) => {
  assert.equal(thrown.name, "QuotaExceeded");
  assert.equal(thrown.$metadata.httpStatusCode, 403);
  return true;
};

test("what does not fit into a bucket is refused, until something goes", async () => {
  const Bucket = "bounded";
  const { put, use } = await bounded(Bucket, { quotaBytes: 1000 });
  await put("a", 600);
  await assert.rejects(put("b", 401), isExceeded);
  await put("b", 400);
  const copy = new sdk.CopyObjectCommand({ Bucket, Key: "c", CopySource: `${Bucket}/b` });
  await assert.rejects(client.send(copy), isExceeded);
  const at = { Bucket, Key: "parts" };
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(at));
  const part = new sdk.UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: "x" });
  await assert.rejects(client.send(part), isExceeded);
  await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: "a" }));
  await put("a", 500);
  assert.equal(use().bytes, 900);
});

test("many at once do not pass a quota together", async () => {
  const { put, use } = await bounded("together", { quotaBytes: 1000, quotaObjects: 7 });
  const puts = Array.from({ length: 20 }, (_, index) => put(String(index), 100 + index));
  const failed = (await Promise.allSettled(puts)).filter(({ status }) => status === "rejected");
  for (const { reason } of failed as PromiseRejectedResult[]) isExceeded(reason);
  const { bytes, objects } = use();
  assert.ok(bytes <= 1000 && objects <= 7, `${bytes} bytes, ${objects} objects`);
  assert.equal(objects, 20 - failed.length);
  assert.ok(objects >= 6, "what fits is taken");
});

test("what the store counts is not counted a second time while its call is answered", async (t) => {
  const { bucketEvents } = port.parts;
  const { put } = await bounded("answering", { quotaBytes: 1000, quotaObjects: 2 });
  const { buckets } = port.parts;
  const to = { kind: "topic" as const, arn: "arn:canopy:webhook:us-east-1:111122223333:slow" };
  await buckets.change(buckets.get("answering"), (spec) => ({
    ...spec,
    notification: { rules: [{ id: "one", to, events: ["s3:ObjectCreated:*"] }] },
  }));
  const stored = Promise.withResolvers<void>();
  const answers = Promise.withResolvers<void>();
  t.mock.method(bucketEvents, "tell", () => {
    stored.resolve();
    return answers.promise;
  });
  const first = put("a", 600);
  await stored.promise;
  const second = put("b", 400);
  // Refused at once, or not answered before the first.
  const early = new Promise((resolve) => setTimeout(resolve, 200));
  await Promise.race([second, early]).finally(() => answers.resolve());
  await Promise.all([first, second]);
});

test("a bucket has no more objects than it may", async () => {
  const { put } = await bounded("few", { quotaObjects: 2 });
  await put("a", 1);
  await put("b", 1);
  await assert.rejects(put("c", 1), isExceeded);
});
