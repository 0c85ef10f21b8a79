import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as iam from "@aws-sdk/client-iam";
import * as sdk from "@aws-sdk/client-s3";
import { clientOptions } from "../testing/aws-port.ts";
import { startS3 } from "./testing/s3-door.ts";

const Bucket = "asked";
let s3: Awaited<ReturnType<typeof startS3>>;
let admin: iam.IAMClient;
const users: sdk.S3Client[] = [];
before(async () => {
  s3 = await startS3("other");
  admin = new iam.IAMClient(clientOptions(s3.endpoint));
  const create = { Bucket, ObjectOwnership: "ObjectWriter", ObjectLockEnabledForBucket: true };
  await s3.client.send(new sdk.CreateBucketCommand(create as sdk.CreateBucketCommandInput));
  await s3.client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  await s3.client.send(new sdk.PutObjectCommand({ Bucket, Key: "tagged", Tagging: "team=red" }));
});
after(async () => {
  for (const user of users) user.destroy();
  admin.destroy();
  await s3.stop();
});

const denied = { name: "AccessDenied" };

/** A user who may do these, and whom the rest of the statements is about. */
async function user(actions: string[], ...statements: object[]): Promise<sdk.S3Client> {
  const UserName = `user-${users.length}`;
  const Statement = [
    { Effect: "Allow", Action: actions.map((one) => `s3:${one}`), Resource: "*" },
    ...statements,
  ];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await admin.send(new iam.CreateUserCommand({ UserName }));
  await admin.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
  const { AccessKey } = await admin.send(new iam.CreateAccessKeyCommand({ UserName }));
  const credentials = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
  const client = new sdk.S3Client({ ...clientOptions(s3.endpoint), credentials });
  users.push(client);
  return client;
}

test("who opens a new object to others must be allowed s3:PutObjectAcl, however it is put", async () => {
  const writer = await user(["PutObject", "GetObject"]);
  const ACL = "public-read" as const;
  const Key = "open";
  const CopySource = `${Bucket}/${Key}`;
  await writer.send(new sdk.PutObjectCommand({ Bucket, Key, Body: "x" }));
  const GrantRead = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"';
  await assert.rejects(writer.send(new sdk.PutObjectCommand({ Bucket, Key, ACL })), denied);
  await assert.rejects(writer.send(new sdk.PutObjectCommand({ Bucket, Key, GrantRead })), denied);
  const copy = new sdk.CopyObjectCommand({ Bucket, Key: "copy", CopySource, ACL });
  await assert.rejects(writer.send(copy), denied);
  const begin = new sdk.CreateMultipartUploadCommand({ Bucket, Key, ACL });
  await assert.rejects(writer.send(begin), denied);
  const answer = await s3.raw({ method: "GET", path: `/${Bucket}/${Key}`, isAnonymous: true });
  assert.equal(answer.code, "AccessDenied");
  // What gives the bucket's owner its part opens nothing.
  const own = { Bucket, Key, Body: "x", ACL: "bucket-owner-full-control" as const };
  await writer.send(new sdk.PutObjectCommand(own));
  const opener = await user(["PutObject", "PutObjectAcl"]);
  await opener.send(new sdk.PutObjectCommand({ Bucket, Key, Body: "x", ACL }));
});

test("tags that a copy brings along must be allowed to be put, by what they are", async () => {
  const copy = new sdk.CopyObjectCommand({ Bucket, Key: "c", CopySource: `${Bucket}/tagged` });
  const copier = await user(["PutObject", "GetObject", "GetObjectTagging"]);
  await assert.rejects(copier.send(copy), denied);
  const onlyIf = (team: string) => ({
    Effect: "Allow",
    Action: "s3:PutObjectTagging",
    Resource: "*",
    Condition: { StringEquals: { "s3:RequestObjectTag/team": team } },
  });
  const blue = await user(["PutObject", "GetObject", "GetObjectTagging"], onlyIf("blue"));
  await assert.rejects(blue.send(copy), denied);
  const lying = { ...copy.input, Tagging: "team=blue" };
  await assert.rejects(blue.send(new sdk.CopyObjectCommand(lying)), denied);
  const red = await user(["PutObject", "GetObject", "GetObjectTagging"], onlyIf("red"));
  await red.send(copy);
});

test("a part takes no tags of its source, so that nobody asks for them", async () => {
  const copier = await user(["PutObject", "GetObject"]);
  const upload = await copier.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: "mp" }));
  const { UploadId } = upload;
  const CopySource = `${Bucket}/tagged`;
  const part = { Bucket, Key: "mp", UploadId, PartNumber: 1, CopySource };
  await copier.send(new sdk.UploadPartCopyCommand(part));
});

test("policies bound how long a retention is", async () => {
  const keeper = await user(["PutObject", "PutObjectRetention"], {
    Effect: "Deny",
    Action: ["s3:PutObject", "s3:PutObjectRetention"],
    Resource: "*",
    Condition: { NumericGreaterThan: { "s3:object-lock-remaining-retention-days": "10" } },
  });
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
  const put = (days: number) =>
    keeper.send(
      new sdk.PutObjectCommand({
        Bucket,
        Key: "kept",
        Body: "x",
        ObjectLockMode: "GOVERNANCE",
        ObjectLockRetainUntilDate: inDays(days),
      }),
    );
  await put(10);
  await assert.rejects(put(12), denied);
  const retain = (days: number) =>
    keeper.send(
      new sdk.PutObjectRetentionCommand({
        Bucket,
        Key: "kept",
        Retention: { Mode: "GOVERNANCE", RetainUntilDate: inDays(days) },
      }),
    );
  await retain(10);
  await assert.rejects(retain(12), denied);
});

test("who makes a bucket with tags must be allowed to tag", async () => {
  const create = (name: string) =>
    new sdk.CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { Tags: [{ Key: "team", Value: "red" }] },
    });
  const maker = await user(["CreateBucket"]);
  await assert.rejects(maker.send(create("made-one")), denied);
  const tagger = await user(["CreateBucket", "TagResource"]);
  await tagger.send(create("made-two"));
});

test("who may not is told so before a document is read, whatever it would say", async () => {
  const documents = {
    [`/${Bucket}/tagged`]: ["acl", "tagging", "retention", "legal-hold", "restore"],
    [`/${Bucket}`]: ["delete"],
  };
  const ask = (path: string, name: string) => ({
    method: name === "delete" || name === "restore" ? "POST" : "PUT",
    path,
    query: { [name]: "" },
    body: "<this is no document",
    isAnonymous: true,
    waitsForContinue: true,
  });
  for (const [path, names] of Object.entries(documents))
    for (const name of names) {
      const { code, status } = await s3.raw(ask(path, name));
      assert.deepEqual([code, status], ["AccessDenied", 403], name);
    }
});

test("what is asked before the document is read hangs on nothing that it says", async () => {
  const Key = "by-document";
  await s3.client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: "x" }));
  const only = (Action: string, Condition: object) => ({
    Effect: "Allow",
    Action,
    Resource: "*",
    Condition,
  });
  const tagger = await user(
    ["ListBucket"],
    only("s3:PutObjectTagging", { StringEquals: { "s3:RequestObjectTag/team": "blue" } }),
    only("s3:PutObjectLegalHold", { StringEquals: { "s3:object-lock-legal-hold": "OFF" } }),
  );
  const tag = (team: string) => {
    const Tagging = { TagSet: [{ Key: "team", Value: team }] };
    return tagger.send(new sdk.PutObjectTaggingCommand({ Bucket, Key, Tagging }));
  };
  await tag("blue");
  await assert.rejects(tag("red"), denied);
  const hold = (Status: "ON" | "OFF") =>
    tagger.send(new sdk.PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status } }));
  await hold("OFF");
  await assert.rejects(hold("ON"), denied);
});

test("policies say where buckets may be made", async () => {
  const create = (name: string, LocationConstraint?: "eu-west-1" | "eu-west-3") =>
    new sdk.CreateBucketCommand({
      Bucket: name,
      ...(LocationConstraint && { CreateBucketConfiguration: { LocationConstraint } }),
    });
  const westOne = { StringEquals: { "s3:LocationConstraint": "eu-west-1" } };
  const about = { Action: "s3:CreateBucket", Resource: "*", Condition: westOne };
  const there = await user(["ListBucket"], { Effect: "Allow", ...about });
  await assert.rejects(there.send(create("there-one")), denied);
  await assert.rejects(there.send(create("there-one", "eu-west-3")), denied);
  // They may, and then it is not the region of this door.
  const elsewhere = { name: "InvalidLocationConstraint" };
  await assert.rejects(there.send(create("there-one", "eu-west-1")), elsewhere);
  const notThere = await user(["CreateBucket"], { Effect: "Deny", ...about });
  await assert.rejects(notThere.send(create("there-two", "eu-west-1")), denied);
  await notThere.send(create("there-two"));
});
