import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  PutBucketAclCommand,
  PutBucketRequestPaymentCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { accountIdOf, canonicalUserIdOf } from "#/model/account.ts";
import { accountId, clientOptions } from "../testing/aws-port.ts";
import { startS3 } from "./testing/s3-door.ts";

const Bucket = "preferred";
const strangersKey = { accessKeyId: "AKIASTRANGER", secretAccessKey: "a stranger's secret" };
let s3: Awaited<ReturnType<typeof startS3>>;
let stranger: S3Client;
before(async () => {
  s3 = await startS3("other");
  const { space } = s3.parts;
  await space.commit((tx) => {
    const spec = { title: "Other", weight: 1, createdAt: 0 };
    tx.put<"project">({ kind: "project", project: "other", name: "other", spec, status: {} });
    tx.put<"access-key">({
      kind: "access-key",
      project: "other",
      name: strangersKey.accessKeyId,
      spec: {
        sealedSecret: s3.sealer.seal(
          strangersKey.secretAccessKey,
          `access key ${strangersKey.accessKeyId}`,
        ),
        createdAt: 0,
        isActive: true,
      },
      status: {},
    });
  }).durable;
  stranger = new S3Client({ ...clientOptions(s3.endpoint), credentials: strangersKey });
  await s3.client.send(
    new CreateBucketCommand({ Bucket, ObjectOwnership: "BucketOwnerPreferred" }),
  );
  await s3.client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await s3.client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read-write" }));
});
after(async () => {
  stranger.destroy();
  await s3.stop();
});

test("where the bucket's owner is preferred, what others give away with its full control is its own", async () => {
  await stranger.send(
    new PutObjectCommand({ Bucket, Key: "given", Body: "x", ACL: "bucket-owner-full-control" }),
  );
  const given = await s3.client.send(new GetObjectAclCommand({ Bucket, Key: "given" }));
  assert.equal(given.Owner?.ID, canonicalUserIdOf(accountId));
  await stranger.send(new PutObjectCommand({ Bucket, Key: "kept", Body: "x" }));
  const kept = await stranger.send(new GetObjectAclCommand({ Bucket, Key: "kept" }));
  assert.equal(
    kept.Owner?.ID,
    canonicalUserIdOf(accountIdOf(s3.parts.space.get("project", "other")!)),
  );
  await assert.rejects(s3.client.send(new GetObjectCommand({ Bucket, Key: "kept" })), {
    name: "AccessDenied",
  });
});

test("where requesters pay, they are told that they do", async () => {
  await s3.client.send(
    new PutBucketRequestPaymentCommand({
      Bucket,
      RequestPaymentConfiguration: { Payer: "Requester" },
    }),
  );
  const Key = "paid";
  await stranger.send(new PutObjectCommand({ Bucket, Key, RequestPayer: "requester" }));
  const paid = await stranger.send(
    new GetObjectCommand({ Bucket, Key, RequestPayer: "requester" }),
  );
  assert.equal(paid.RequestCharged, "requester");
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "own" }));
  const own = await s3.client.send(new GetObjectCommand({ Bucket, Key: "own" }));
  assert.equal(own.RequestCharged, undefined);
});
