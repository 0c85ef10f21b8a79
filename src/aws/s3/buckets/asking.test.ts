import assert from "node:assert/strict";
import { test } from "node:test";
import { authorize } from "#/access/policies/authorize.ts";
import { canonicalUserIdOf } from "#/model/account.ts";
import type { Grant } from "#/model/bucket-grants.ts";
import type { BucketRecord, BucketSpec } from "#/model/bucket.ts";
import type { Principal } from "#/model/principal.ts";
import type { AwsContext } from "../../call.ts";
import { askOf, type AskedOfBucket } from "./asking.ts";

const [own, others] = ["111122223333", "444455556666"];

function bucketWith(spec: Partial<BucketSpec>): BucketRecord {
  return {
    kind: "bucket",
    project: "default",
    serial: 1,
    revision: 1,
    name: "pictures",
    spec: {
      id: "b1",
      createdAt: 0,
      region: "us-east-1",
      accountId: own,
      versioning: "off",
      ...spec,
    },
    status: {},
  };
}

const principal = (kind: Principal["kind"], accountId: string): Principal => ({
  kind,
  project: accountId,
  accountId,
  arn: `arn:aws:iam::${accountId}:${kind === "user" ? "user/ann" : "root"}`,
  userId: accountId,
  name: kind === "user" ? "ann" : "",
});
const owner = principal("account", own);
const guest = principal("account", others);
const guestUser = principal("user", others);
const nobody = principal("anonymous", "");

function may(
  caller: Principal,
  spec: Partial<BucketSpec>,
  asked: Omit<AskedOfBucket, "bucket">,
  headers: Record<string, string> = {},
): boolean {
  const context = { caller, request: { headers } } as unknown as AwsContext;
  const ask = askOf({ bucket: bucketWith(spec), ...asked }, context);
  const { action, resource, resourcePolicy } = ask;
  const { effect } = authorize(
    { principal: caller, action, resource, resourcePolicy, resourceAccountId: ask.ownerAccountId! },
    () => ({ identity: [] }),
    0,
  );
  return effect === "allow";
}

const readers: Grant[] = [{ to: { group: "AllUsers" }, permission: "READ" }];
const policy = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const everyoneReads = {
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::pictures/*",
};
const get = { action: "s3:GetObject", key: "a" };

test("an ACL lets in whom it names, where ACLs mean something", () => {
  const list = { action: "s3:ListBucket" };
  const acl = readers;
  assert.equal(may(nobody, { acl }, list), true);
  assert.equal(may(nobody, { acl, ownership: "BucketOwnerEnforced" }, list), false);
  assert.equal(may(nobody, { acl }, { action: "s3:PutObject", key: "a" }), false);
  const toGuest: Grant[] = [
    { to: { canonicalId: canonicalUserIdOf(others) }, permission: "FULL_CONTROL" },
  ];
  assert.equal(may(guest, { acl: toGuest }, list), true);
  assert.equal(may(guestUser, { acl: toGuest }, list), false, "its own account must let it too");
  assert.equal(may(nobody, { acl: toGuest }, list), false);
  const known: Grant[] = [{ to: { group: "AuthenticatedUsers" }, permission: "READ" }];
  assert.equal(may(guest, { acl: known }, list), true);
  assert.equal(may(nobody, { acl: known }, list), false);
});

test("an object's ACL is the object's", () => {
  const object = { ownerId: own, acl: readers };
  assert.equal(may(nobody, {}, { ...get, object }), true);
  assert.equal(may(nobody, {}, { ...get, object: { ownerId: own } }), false);
  assert.equal(may(nobody, {}, { action: "s3:GetObjectAcl", key: "a", object }), false);
});

test("an object of another account is that account's, until the bucket's owner has all", () => {
  const object = { ownerId: others };
  assert.equal(may(owner, {}, { ...get, object }), false);
  assert.equal(may(guest, {}, { ...get, object }), true);
  assert.equal(may(owner, { ownership: "BucketOwnerEnforced" }, { ...get, object }), true);
  assert.equal(may(guest, { ownership: "BucketOwnerEnforced" }, { ...get, object }), false);
});

test("what a policy denies stays denied, whatever an ACL grants", () => {
  const denied = policy({ ...everyoneReads, Effect: "Deny" });
  assert.equal(
    may(nobody, { policy: denied }, { ...get, object: { ownerId: own, acl: readers } }),
    false,
  );
});

test("a public access block takes away what is public", () => {
  const block = {
    blockPublicAcls: false,
    ignorePublicAcls: false,
    blockPublicPolicy: false,
    restrictPublicBuckets: false,
  };
  const spec = { policy: policy(everyoneReads) };
  assert.equal(may(nobody, { ...spec, publicAccessBlock: block }, get), true);
  const restricted = { ...block, restrictPublicBuckets: true };
  assert.equal(may(nobody, { ...spec, publicAccessBlock: restricted }, get), false);
  assert.equal(may(guest, { ...spec, publicAccessBlock: restricted }, get), false);
  assert.equal(may(owner, { ...spec, publicAccessBlock: restricted }, get), true);
  const ignored = { ...block, ignorePublicAcls: true };
  const list = { action: "s3:ListBucket" };
  assert.equal(may(nobody, { acl: readers, publicAccessBlock: ignored }, list), false);
});

test("an account can always undo a policy that locks it out", () => {
  const locked = policy({ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*" });
  assert.equal(may(owner, { policy: locked }, { action: "s3:DeleteBucketPolicy" }), true);
  assert.equal(may(owner, { policy: locked }, { action: "s3:DeleteBucket" }), false);
  assert.equal(may(guest, { policy: locked }, { action: "s3:DeleteBucketPolicy" }), false);
});

test("where requesters pay, others say that they know", () => {
  const spec = { policy: policy(everyoneReads), requesterPays: true };
  const payer = { "x-amz-request-payer": "requester" };
  assert.equal(may(guest, spec, get, payer), true);
  assert.throws(() => may(guest, spec, get), /Access Denied/);
  assert.throws(() => may(nobody, spec, get, payer), /Access Denied/);
});
