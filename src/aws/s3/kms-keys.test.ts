import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as iam from "@aws-sdk/client-iam";
import * as kmsSdk from "@aws-sdk/client-kms";
import * as sdk from "@aws-sdk/client-s3";
import { presignedUrl } from "#/sdk/objects/signature.ts";
import {
  accessKeyId,
  accountId,
  clientOptions,
  secretAccessKey,
  startAwsPort,
} from "../testing/aws-port.ts";

const credentials = { accessKeyId, secretAccessKey };

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let root: sdk.S3Client;
let kms: kmsSdk.KMSClient;
const Bucket = "sealed-bucket";
before(async () => {
  aws = await startAwsPort();
  root = new sdk.S3Client(clientOptions(aws.endpoint));
  kms = new kmsSdk.KMSClient(clientOptions(aws.endpoint));
  await root.send(new sdk.CreateBucketCommand({ Bucket }));
});
after(() => aws.stop());

const put = (Key: string, more: Partial<sdk.PutObjectCommandInput> = {}, client = root) =>
  client.send(
    new sdk.PutObjectCommand({
      Bucket,
      Key,
      Body: `body of ${Key}`,
      ServerSideEncryption: "aws:kms",
      ...more,
    }),
  );
const get = async (Key: string, client = root) => {
  const answer = await client.send(new sdk.GetObjectCommand({ Bucket, Key }));
  return { ...answer, text: await answer.Body!.transformToString() };
};
const newKey = async () => (await kms.send(new kmsSdk.CreateKeyCommand({}))).KeyMetadata!.KeyId!;

test("an object is encrypted with the key that its call names, and opened while that key may be used", async () => {
  const KeyId = await newKey();
  const arn = `arn:aws:kms:us-east-1:${accountId}:key/${KeyId}`;
  const context = Buffer.from('{"team":"red"}').toString("base64");
  const made = await put("one", {
    SSEKMSKeyId: KeyId,
    SSEKMSEncryptionContext: context,
    BucketKeyEnabled: true,
  });
  assert.deepEqual([made.SSEKMSKeyId, made.ServerSideEncryption], [arn, "aws:kms"]);
  assert.equal(made.SSEKMSEncryptionContext, context);
  // Who reads it is told of no context: it may be more than they know.
  for (const method of ["GET", "HEAD"]) {
    const call = { method, origin: aws.endpoint, path: `/${Bucket}/one`, query: {}, headers: {} };
    const by = { credentials, region: "us-east-1", nowMs: Date.now(), expiresMs: 60_000 };
    const { headers, status } = await fetch(presignedUrl(call, by), { method });
    assert.equal(status, 200);
    assert.equal(headers.get("x-amz-server-side-encryption-aws-kms-key-id"), arn);
    assert.equal(headers.has("x-amz-server-side-encryption-context"), false);
  }
  const got = await get("one");
  assert.deepEqual([got.text, got.SSEKMSKeyId, got.BucketKeyEnabled], ["body of one", arn, true]);
  await kms.send(new kmsSdk.DisableKeyCommand({ KeyId }));
  await assert.rejects(get("one"), { name: "KMS.DisabledException" });
  const head = await root.send(new sdk.HeadObjectCommand({ Bucket, Key: "one" }));
  assert.deepEqual([head.ContentLength, head.SSEKMSKeyId], [11, arn]);
  await assert.rejects(put("two", { SSEKMSKeyId: KeyId }), { name: "KMS.DisabledException" });
  await kms.send(new kmsSdk.EnableKeyCommand({ KeyId }));
  assert.equal((await get("one")).text, "body of one");
  await assert.rejects(put("two", { SSEKMSKeyId: "nothing" }), { name: "KMS.NotFoundException" });
});

test("S3 has a key of its own where none is named, and a bucket may name one", async () => {
  await put("own");
  const { SSEKMSKeyId: own } = await get("own");
  await put("own-too");
  assert.equal((await get("own-too")).SSEKMSKeyId, own);
  const { Aliases } = await kms.send(new kmsSdk.ListAliasesCommand({}));
  assert.ok(
    Aliases!.some(
      ({ AliasName, TargetKeyId }) => AliasName === "alias/aws/s3" && own!.endsWith(TargetKeyId!),
    ),
  );
  const KeyId = await newKey();
  const standard = { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: KeyId };
  await root.send(
    new sdk.PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: standard }],
      },
    }),
  );
  await put("standard", { ServerSideEncryption: undefined });
  assert.ok((await get("standard")).SSEKMSKeyId!.endsWith(KeyId));
  await root.send(new sdk.CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/own` }));
  const copy = await get("copy");
  assert.equal(copy.text, "body of own");
  assert.ok(copy.SSEKMSKeyId!.endsWith(KeyId));
  await root.send(new sdk.DeleteBucketEncryptionCommand({ Bucket }));
});

test("who may not use the key may neither put nor get, whatever S3 allows them", async () => {
  const admin = new iam.IAMClient(clientOptions(aws.endpoint));
  const UserName = "s3-only";
  await admin.send(new iam.CreateUserCommand({ UserName }));
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
  await admin.send(new iam.AttachUserPolicyCommand({ UserName, PolicyArn }));
  const { AccessKey } = await admin.send(new iam.CreateAccessKeyCommand({ UserName }));
  const credentials = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
  const user = new sdk.S3Client({ ...clientOptions(aws.endpoint), credentials });
  const SSEKMSKeyId = await newKey();
  await put("secret", { SSEKMSKeyId });
  await assert.rejects(get("secret", user), { name: "AccessDenied" });
  await assert.rejects(put("other", { SSEKMSKeyId }, user), { name: "AccessDenied" });
  await put("with-s3s-own", {}, user);
  assert.equal((await get("with-s3s-own", user)).text, "body of with-s3s-own");
});

test("of a copy, policies look at the key's use for the source, not for where it goes", async () => {
  const admin = new iam.IAMClient(clientOptions(aws.endpoint));
  const UserName = "one-folder";
  await admin.send(new iam.CreateUserCommand({ UserName }));
  const Condition = {
    StringLike: { "kms:EncryptionContext:aws:s3:arn": `arn:aws:s3:::${Bucket}/mine/*` },
  };
  const Statement = [
    { Effect: "Allow", Action: "s3:*", Resource: "*" },
    { Effect: "Allow", Action: "kms:*", Resource: "*", Condition },
  ];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await admin.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
  const { AccessKey } = await admin.send(new iam.CreateAccessKeyCommand({ UserName }));
  const credentials = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
  const user = new sdk.S3Client({ ...clientOptions(aws.endpoint), credentials });
  const SSEKMSKeyId = await newKey();
  await put("theirs/a", { SSEKMSKeyId });
  await put("mine/a", { SSEKMSKeyId });
  const copy = (Key: string, from: string) =>
    user.send(new sdk.CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${from}` }));
  await assert.rejects(copy("mine/b", "theirs/a"), { name: "AccessDenied" });
  await copy("open", "mine/a");
  assert.equal((await get("open", user)).text, "body of mine/a");
  // Nor does a context that says where the object is count for more than where it is.
  for (const name of ["aws:s3:arn", "AWS:S3:arn"]) {
    const said = { [name]: `arn:aws:s3:::${Bucket}/mine/c` };
    const SSEKMSEncryptionContext = Buffer.from(JSON.stringify(said)).toString("base64");
    const lying = put("theirs/b", { SSEKMSKeyId, SSEKMSEncryptionContext }, user);
    await assert.rejects(lying, { name: "AccessDenied" });
  }
  await put("mine/c", { SSEKMSKeyId }, user);
});

test("parts of an upload are encrypted with its key", async () => {
  const SSEKMSKeyId = await newKey();
  const Key = "parts";
  const { UploadId } = await root.send(
    new sdk.CreateMultipartUploadCommand({
      Bucket,
      Key,
      ServerSideEncryption: "aws:kms",
      SSEKMSKeyId,
    }),
  );
  const part = await root.send(
    new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "in parts" }),
  );
  const Parts = [{ PartNumber: 1, ETag: part.ETag }];
  await root.send(
    new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );
  const got = await get(Key);
  assert.equal(got.text, "in parts");
  assert.ok(got.SSEKMSKeyId!.endsWith(SSEKMSKeyId));
});
