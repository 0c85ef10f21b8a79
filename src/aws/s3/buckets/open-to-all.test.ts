import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { clientOptions, startAwsPort } from "../../testing/aws-port.ts";

const port = await startAwsPort();
const client = new sdk.S3Client(clientOptions(port.endpoint));
after(async () => {
  client.destroy();
  await port.stop();
});

const Bucket = "shown";
before(async () => {
  await client.send(new sdk.CreateBucketCommand({ Bucket, ObjectOwnership: "ObjectWriter" }));
  await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  const put = (Key: string, more: Partial<sdk.PutObjectCommandInput> = {}) =>
    client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: Key, ...more }));
  await put("closed");
  await put("open", { ACL: "public-read" });
  await put("known", { ACL: "authenticated-read" });
});

/** What somebody without a key sees. */
const ask = async (path: string, init: RequestInit = {}) => {
  const answer = await fetch(`${port.endpoint}/${path}`, init);
  await answer.arrayBuffer();
  return answer.status;
};

test("an object's ACL shows it to all, and nothing else", async () => {
  assert.equal(await ask(`${Bucket}/open`), 200);
  assert.equal(await ask(`${Bucket}/closed`), 403);
  assert.equal(await ask(`${Bucket}/known`), 403);
  assert.equal(await ask(`${Bucket}/nothing`), 403, "who may not list learns nothing");
  assert.equal(await ask(`${Bucket}/open?acl`), 403);
  assert.equal(await ask(`${Bucket}/open`, { method: "DELETE" }), 403);
  assert.equal(await ask(Bucket), 403);
});

test("a bucket's ACL lets all list it, and write where it says so", async () => {
  const acl = (ACL: sdk.BucketCannedACL) =>
    client.send(new sdk.PutBucketAclCommand({ Bucket, ACL }));
  await acl("public-read");
  assert.equal(await ask(Bucket), 200);
  assert.equal(await ask(`${Bucket}/nothing`), 404);
  assert.equal(await ask(`${Bucket}/theirs`, { method: "PUT", body: "x" }), 403);
  await acl("public-read-write");
  assert.equal(await ask(`${Bucket}/theirs`, { method: "PUT", body: "x" }), 200);
  await acl("private");
  assert.equal(await ask(Bucket), 403);
});

test("a public access block hides what ACLs and policies have shown", async () => {
  const block = (PublicAccessBlockConfiguration: sdk.PublicAccessBlockConfiguration) =>
    client.send(new sdk.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  await block({ IgnorePublicAcls: true });
  assert.equal(await ask(`${Bucket}/open`), 403);
  const Statement = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: `arn:aws:s3:::${Bucket}/*`,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await client.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
  assert.equal(await ask(`${Bucket}/closed`), 200);
  await block({ RestrictPublicBuckets: true });
  assert.equal(await ask(`${Bucket}/closed`), 403);
  await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  assert.equal(await ask(`${Bucket}/closed`), 200);
  await client.send(new sdk.DeleteBucketPolicyCommand({ Bucket }));
});

test("where the bucket's owner has all, an ACL of before shows nothing", async () => {
  await client.send(
    new sdk.PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    }),
  );
  assert.equal(await ask(`${Bucket}/open`), 403);
});

test("HeadBucket tells where a bucket is, to who may not see it too", async () => {
  const answer = await fetch(`${port.endpoint}/${Bucket}`, { method: "HEAD" });
  assert.equal(answer.status, 403);
  assert.equal(answer.headers.get("x-amz-bucket-region"), "us-east-1");
});
