import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectAclCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
} from "@aws-sdk/client-s3";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "marks";
const Locked = "marks-locked";
const Open = "marks-open";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket: Locked, ObjectLockEnabledForBucket: true }));
  await client.send(new CreateBucketCommand({ Bucket: Open, ObjectOwnership: "ObjectWriter" }));
  for (const bucket of [Bucket, Open])
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: "k", Body: "x" }));
});
after(() => s3.stop());

test("tags of an object are put, read and removed, ten at most", async () => {
  const { client } = s3;
  const put = (TagSet: { Key: string; Value: string }[]) =>
    client.send(new PutObjectTaggingCommand({ Bucket, Key: "k", Tagging: { TagSet } }));
  const read = async () =>
    (await client.send(new GetObjectTaggingCommand({ Bucket, Key: "k" }))).TagSet;
  await put([{ Key: "x <y>", Value: "1" }]).then(
    () => assert.fail("it has letters that tags have not"),
    (thrown: Error) => assert.equal(thrown.name, "InvalidTag"),
  );
  await put([{ Key: "x", Value: "a b" }]);
  assert.deepEqual(await read(), [{ Key: "x", Value: "a b" }]);
  const many = Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
  await assert.rejects(put(many), { name: "BadRequest" });
  await client.send(new DeleteObjectTaggingCommand({ Bucket, Key: "k" }));
  assert.deepEqual(await read(), []);
});

test("ACLs mean nothing where the bucket's owner has everything", async () => {
  const { client } = s3;
  const acl = await client.send(new GetObjectAclCommand({ Bucket, Key: "k" }));
  assert.equal(acl.Grants?.[0]?.Permission, "FULL_CONTROL");
  assert.equal(acl.Grants[0].Grantee?.ID, acl.Owner?.ID);
  await assert.rejects(
    client.send(new PutObjectAclCommand({ Bucket, Key: "k", ACL: "public-read" })),
    { name: "AccessControlListNotSupported" },
  );
  await client.send(
    new PutObjectAclCommand({ Bucket, Key: "k", ACL: "bucket-owner-full-control" }),
  );
});

test("ACLs are kept where they mean something, public ones only where these are not blocked", async () => {
  const { client } = s3;
  const put = (ACL: "public-read" | "authenticated-read" | "private") =>
    client.send(new PutObjectAclCommand({ Bucket: Open, Key: "k", ACL }));
  await assert.rejects(put("public-read"), { name: "AccessDenied" });
  await put("private");
  const acl = await client.send(new GetObjectAclCommand({ Bucket: Open, Key: "k" }));
  assert.equal(acl.Grants?.length, 1);
  await assert.rejects(
    client.send(new PutObjectAclCommand({ Bucket: Open, Key: "nothing", ACL: "private" })),
    { name: "NoSuchKey" },
  );
});

test("a retention keeps a version until it ends, or until who may lifts it", async () => {
  const { client } = s3;
  const base = { Bucket: Locked, Key: "r" };
  const until = new Date(Date.now() + 86_400_000);
  const { VersionId } = await client.send(
    new PutObjectCommand({
      ...base,
      Body: "x",
      ObjectLockMode: "GOVERNANCE",
      ObjectLockRetainUntilDate: until,
    }),
  );
  const read = await client.send(new GetObjectRetentionCommand(base));
  assert.deepEqual(read.Retention, { Mode: "GOVERNANCE", RetainUntilDate: until });
  const remove = (BypassGovernanceRetention?: boolean) =>
    client.send(new DeleteObjectCommand({ ...base, VersionId, BypassGovernanceRetention }));
  await assert.rejects(remove(), { name: "AccessDenied" });
  const retain = (RetainUntilDate: Date, bypass = false) =>
    client.send(
      new PutObjectRetentionCommand({
        ...base,
        Retention: { Mode: "GOVERNANCE", RetainUntilDate },
        BypassGovernanceRetention: bypass,
      }),
    );
  const sooner = new Date(until.getTime() - 3_600_000);
  await assert.rejects(retain(sooner), { name: "AccessDenied" });
  await assert.rejects(retain(new Date(0)), { name: "InvalidArgument" });
  await retain(new Date(until.getTime() + 3_600_000));
  await retain(sooner, true);
  await remove(true);
});

test("a legal hold keeps a version from everybody", async () => {
  const { client } = s3;
  const base = { Bucket: Locked, Key: "h" };
  const { VersionId } = await client.send(
    new PutObjectCommand({ ...base, Body: "x", ObjectLockLegalHoldStatus: "ON" }),
  );
  assert.equal((await client.send(new GetObjectLegalHoldCommand(base))).LegalHold?.Status, "ON");
  const remove = () =>
    client.send(new DeleteObjectCommand({ ...base, VersionId, BypassGovernanceRetention: true }));
  await assert.rejects(remove(), { name: "AccessDenied" });
  await client.send(new PutObjectLegalHoldCommand({ ...base, LegalHold: { Status: "OFF" } }));
  await remove();
});

test("locks are refused where the bucket has none", async () => {
  const { client } = s3;
  await assert.rejects(client.send(new GetObjectRetentionCommand({ Bucket, Key: "k" })), {
    name: "InvalidRequest",
  });
  await client.send(new PutObjectCommand({ Bucket: Locked, Key: "none", Body: "x" }));
  await assert.rejects(
    client.send(new GetObjectRetentionCommand({ Bucket: Locked, Key: "none" })),
    {
      name: "NoSuchObjectLockConfiguration",
    },
  );
});

test("RestoreObject is for what is cold", async () => {
  const { client } = s3;
  const restore = (Key: string) =>
    client.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest: { Days: 1 } }));
  await assert.rejects(restore("k"), { name: "InvalidObjectState" });
  await client.send(
    new PutObjectCommand({ Bucket, Key: "cold", Body: "x", StorageClass: "GLACIER" }),
  );
  assert.equal((await restore("cold")).$metadata.httpStatusCode, 200);
});
