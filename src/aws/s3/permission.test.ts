import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  DeletePublicAccessBlockCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  CreateBucketCommand,
} from "@aws-sdk/client-s3";
import * as iam from "@aws-sdk/client-iam";
import { accountId, clientOptions } from "../testing/aws-port.ts";
import { startS3 } from "./testing/s3-door.ts";

const Bucket = "shared";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
  await s3.client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await s3.client.send(
    new PutObjectCommand({ Bucket, Key: "pub/a", Body: "open", Tagging: "see=all" }),
  );
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "closed", Body: "shut" }));
});
after(() => s3.stop());

const asStranger = (
  method: string,
  path: string,
  more: Partial<Parameters<typeof s3.raw>[0]> = {},
) => s3.raw({ method, path: `/${Bucket}${path}`, isAnonymous: true, ...more });
const allow = (statements: object[]) =>
  s3.client.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: statements.map((one) => ({ Effect: "Allow", Principal: "*", ...one })),
      }),
    }),
  );
const arn = `arn:aws:s3:::${Bucket}`;

test("a bucket's policy lets strangers do what it says, and no more", async () => {
  await allow([{ Action: "s3:GetObject", Resource: `${arn}/pub/*` }]);
  const got = await asStranger("GET", "/pub/a");
  assert.deepEqual([got.status, got.body], [200, "open"]);
  assert.equal((await asStranger("GET", "/closed")).code, "AccessDenied");
  assert.equal((await asStranger("PUT", "/pub/b", { body: "x" })).code, "AccessDenied");
  assert.equal((await asStranger("DELETE", "/pub/a")).code, "AccessDenied");
  assert.equal(
    (await asStranger("GET", "/pub/a", { query: { tagging: "" } })).code,
    "AccessDenied",
  );
  const override = await asStranger("GET", "/pub/a", { query: { "response-content-type": "a/b" } });
  assert.equal(override.code, "InvalidRequest");
});

test("a read tells of tags and locks to those who may read these too", async () => {
  const Locked = "locked";
  await s3.client.send(
    new CreateBucketCommand({ Bucket: Locked, ObjectLockEnabledForBucket: true }),
  );
  await s3.client.send(new DeletePublicAccessBlockCommand({ Bucket: Locked }));
  const { VersionId } = await s3.client.send(
    new PutObjectCommand({
      Bucket: Locked,
      Key: "a",
      Body: "a",
      Tagging: "a=b",
      ObjectLockMode: "GOVERNANCE",
      ObjectLockRetainUntilDate: new Date(Date.now() + 60_000),
      ObjectLockLegalHoldStatus: "ON",
    }),
  );
  const marks = async (more: object = {}, method = "GET") => {
    const { status, headers } = await s3.raw({ method, path: `/${Locked}/a`, ...more });
    assert.equal(status, 200);
    return [...headers.keys()]
      .filter((name) => /tagging-count|object-lock/.test(name))
      .map((name) => name.replace(/^x-amz-(?:object-lock-)?/, ""))
      .sort();
  };
  const all = ["legal-hold", "mode", "retain-until-date", "tagging-count"];
  const asked = { isAnonymous: true };
  const allowAll = (...actions: string[]) =>
    s3.client.send(
      new PutBucketPolicyCommand({
        Bucket: Locked,
        Policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: {
            Effect: "Allow",
            Principal: "*",
            Action: actions.map((one) => `s3:${one}`),
            Resource: `arn:aws:s3:::${Locked}/*`,
          },
        }),
      }),
    );
  assert.deepEqual(await marks(), all);
  await allowAll("GetObject");
  assert.deepEqual(await marks(asked), []);
  assert.deepEqual(await marks(asked, "HEAD"), []);
  assert.deepEqual(await marks(), all);
  await allowAll("GetObject", "GetObjectTagging", "GetObjectVersion");
  assert.deepEqual(await marks(asked), ["tagging-count"]);
  const ofVersion = { ...asked, query: { versionId: VersionId! } };
  assert.deepEqual(await marks(ofVersion), []);
  await allowAll("GetObject", "GetObjectRetention");
  assert.deepEqual(await marks(asked, "HEAD"), ["mode", "retain-until-date"]);
  await allowAll("GetObjectVersion", "GetObjectLegalHold", "GetObjectVersionTagging");
  assert.deepEqual(await marks(ofVersion), ["legal-hold", "tagging-count"]);
});

test("only who may list a bucket learns that a key is not there", async () => {
  await allow([{ Action: "s3:GetObject", Resource: `${arn}/*` }]);
  assert.equal((await asStranger("GET", "/pub/nothing")).code, "AccessDenied");
  assert.equal((await asStranger("HEAD", "/pub/nothing")).status, 403);
  await allow([
    { Action: "s3:GetObject", Resource: `${arn}/*` },
    { Action: "s3:ListBucket", Resource: arn },
  ]);
  assert.equal((await asStranger("GET", "/pub/nothing")).code, "NoSuchKey");
  assert.equal((await asStranger("HEAD", "/pub/nothing")).status, 404);
});

test("a list is let through by its prefix", async () => {
  await allow([
    {
      Action: "s3:ListBucket",
      Resource: arn,
      Condition: { StringEquals: { "s3:prefix": "pub/" } },
    },
  ]);
  const list = (query: Record<string, string>) => asStranger("GET", "", { query });
  assert.match((await list({ prefix: "pub/" })).body, /<Key>pub\/a<\/Key>/);
  assert.equal((await list({ prefix: "" })).code, "AccessDenied");
  assert.equal((await list({})).code, "AccessDenied");
});

test("an object is let through by its tags, a write by its headers", async () => {
  await allow([
    {
      Action: "s3:GetObject",
      Resource: `${arn}/*`,
      Condition: { StringEquals: { "s3:ExistingObjectTag/see": "all" } },
    },
    {
      Action: "s3:PutObject",
      Resource: `${arn}/*`,
      Condition: { StringEquals: { "s3:x-amz-storage-class": "STANDARD_IA" } },
    },
  ]);
  assert.equal((await asStranger("GET", "/pub/a")).status, 200);
  assert.equal((await asStranger("GET", "/closed")).code, "AccessDenied");
  const put = (headers: Record<string, string>) => asStranger("PUT", "/in", { body: "x", headers });
  assert.equal((await put({})).code, "AccessDenied");
  assert.equal((await put({ "x-amz-storage-class": "STANDARD_IA" })).status, 200);
});

test("a denial outweighs what the owner may", async () => {
  await allow([
    { Effect: "Deny", Action: "s3:PutObject", Resource: `${arn}/frozen/*` },
    { Action: "s3:GetObject", Resource: `${arn}/*` },
  ]);
  const put = new PutObjectCommand({ Bucket, Key: "frozen/a", Body: "x" });
  await assert.rejects(s3.client.send(put), { name: "AccessDenied" });
});

test("an ACL lets strangers read an object, where its bucket has ACLs and nothing blocks them", async () => {
  const open = "shared-by-acl";
  await s3.client.send(new CreateBucketCommand({ Bucket: open, ObjectOwnership: "ObjectWriter" }));
  await s3.client.send(new DeletePublicAccessBlockCommand({ Bucket: open }));
  await s3.client.send(new PutObjectCommand({ Bucket: open, Key: "k", Body: "acl" }));
  const get = () => s3.raw({ method: "GET", path: `/${open}/k`, isAnonymous: true });
  assert.equal((await get()).code, "AccessDenied");
  await s3.client.send(new PutObjectAclCommand({ Bucket: open, Key: "k", ACL: "public-read" }));
  assert.equal((await get()).body, "acl");
});

test("a policy about the source of a copy is not passed by writing the source differently", async () => {
  await allow([
    { Action: "s3:GetObject", Resource: `${arn}/*` },
    {
      Action: "s3:PutObject",
      Resource: `${arn}/*`,
      Condition: { StringLike: { "s3:x-amz-copy-source": `${Bucket}/pub/*` } },
    },
    {
      Effect: "Deny",
      Action: "s3:PutObject",
      Resource: `${arn}/*`,
      Condition: { StringLike: { "s3:x-amz-copy-source": `${Bucket}/pub/secret*` } },
    },
  ]);
  const copy = (source: string) =>
    asStranger("PUT", "/copied", {
      headers: { "x-amz-copy-source": source, "x-amz-tagging-directive": "REPLACE" },
    });
  for (const source of [`${Bucket}/pub/a`, `/${Bucket}/pub/a`, `${Bucket}/%70ub%2Fa`])
    assert.equal((await copy(source)).status, 200, source);
  for (const source of [`/${Bucket}/closed`, `/${Bucket}/pub/secret`, `${Bucket}/pub/%73ecret`])
    assert.equal((await copy(source)).code, "AccessDenied", source);
});

test("a bucket's policy names users and roles of its account that are there, and other accounts' unseen", async () => {
  const identities = new iam.IAMClient(clientOptions(s3.endpoint));
  await identities.send(new iam.CreateUserCommand({ UserName: "ann", Path: "/team/" }));
  const naming = (AWS: string) =>
    allow([{ Principal: { AWS }, Action: "s3:GetObject", Resource: `${arn}/*` }]);
  const ofOwn = `arn:aws:iam::${accountId}`;
  for (const name of [`${ofOwn}:user/team/ann`, `${ofOwn}:root`, accountId]) await naming(name);
  await naming("arn:aws:iam::999999999999:role/unseen");
  for (const name of [`${ofOwn}:user/ann`, `${ofOwn}:user/bob`, `${ofOwn}:role/ann`])
    await assert.rejects(naming(name), {
      name: "MalformedPolicy",
      message: "Invalid principal in policy",
    });
});
