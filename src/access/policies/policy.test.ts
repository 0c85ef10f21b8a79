import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPublicPolicy, parseBucketPolicy } from "./bucket-policy.ts";
import { parsePolicy, PolicyFault, type PolicyKind } from "./policy.ts";

const good = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*" };
const textOf = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

function faultOf(statement: object, kind: PolicyKind = "identity"): string {
  try {
    parsePolicy(textOf(statement), kind);
    return "";
  } catch (thrown) {
    assert.ok(thrown instanceof PolicyFault, String(thrown));
    return thrown.message;
  }
}

describe("parsePolicy()", () => {
  it("takes one statement and many, one value and many", () => {
    assert.equal(parsePolicy(JSON.stringify({ Statement: good }), "identity").statements.length, 1);
    const many = { ...good, Action: ["s3:*", "iam:Get?ser"], Resource: ["*", "arn:aws:s3:::b"] };
    assert.equal(parsePolicy(textOf(good, many), "identity").statements[1]!.actions!.length, 2);
  });

  it("says what is wrong with one that is none", () => {
    const { Effect: _effect, ...noEffect } = good;
    assert.equal(faultOf(noEffect), "Missing required field Effect");
    assert.equal(faultOf({ ...good, Effect: "allow" }), "Invalid effect: allow");
    assert.match(faultOf({ ...good, Action: "GetObject" }), /prefaced by a vendor/);
    assert.match(faultOf({ ...good, Action: [] }), /must contain actions/);
    assert.match(faultOf({ ...good, Resource: "bucket" }), /must be in ARN format/);
    assert.match(faultOf({ ...good, NotAction: "s3:Put*" }), /must not have both/);
    assert.match(faultOf({ ...good, Principal: "*" }), /should not specify a principal/);
    assert.match(faultOf({ ...good, Principle: "*" }), /Unknown field Principle/);
    assert.match(
      faultOf({ ...good, Condition: { StringIs: { "a:b": "c" } } }),
      /Invalid Condition/,
    );
    const addressed = { ...good, Condition: { IpAddress: { "aws:SourceIp": "here" } } };
    assert.match(faultOf(addressed), /Invalid value/);
    assert.equal(faultOf(good, "resource"), "Missing required field Principal");
    for (const principal of [
      "ann",
      { AWS: "arn:aws:iam::12:user/a" },
      { AWS: [] },
      { Other: "*" },
      {},
    ])
      assert.equal(
        faultOf({ ...good, Principal: principal }, "resource"),
        "Invalid principal in policy",
      );
    const trust = { Effect: "Allow", Principal: { AWS: "123456789012" }, Action: "sts:AssumeRole" };
    assert.equal(faultOf(trust, "trust"), "");
    assert.equal(faultOf({ ...trust, Resource: "*" }, "trust"), "Has prohibited field Resource");
    for (const Action of ["s3:GetObject", "*", ["sts:AssumeRole", "iam:GetRole"]])
      assert.equal(
        faultOf({ ...trust, Action }, "trust"),
        "AssumeRole policy may only specify STS AssumeRole actions.",
      );
    for (const text of [
      "",
      "[]",
      "{",
      '"x"',
      "{}",
      '{"Statement":[]}',
      '{"Version":"2020-01-01","Statement":[]}',
    ])
      assert.throws(() => parsePolicy(text, "identity"), PolicyFault, text);
    assert.throws(
      () => parsePolicy(textOf({ ...good, Sid: "a" }, { ...good, Sid: "a" }), "identity"),
      /unique/,
    );
  });
});

describe("parseBucketPolicy()", () => {
  const everyone = { ...good, Principal: "*" };
  const refusal = (statement: object) => {
    try {
      parseBucketPolicy(textOf(statement), "b");
      return "";
    } catch (thrown) {
      assert.equal((thrown as { awsCode?: string }).awsCode, "MalformedPolicy");
      return (thrown as Error).message;
    }
  };

  it("takes what names the bucket, its objects, and actions that fit them", () => {
    assert.equal(refusal(everyone), "");
    assert.equal(refusal({ ...everyone, Action: "s3:ListBucket", Resource: "arn:aws:s3:::b" }), "");
    assert.equal(
      refusal({ ...everyone, Action: "s3:*", Resource: ["arn:aws:s3:::b", "arn:aws:s3:::b/*"] }),
      "",
    );
    assert.equal(refusal({ ...everyone, Action: "*", Resource: "arn:aws:s3:::*" }), "");
  });

  it("refuses other buckets, other services, and actions that no resource of the statement can have", () => {
    assert.equal(
      refusal({ ...everyone, Resource: "arn:aws:s3:::bb/*" }),
      "Policy has invalid resource",
    );
    assert.equal(refusal({ ...everyone, Resource: "b/*" }), "Policy has invalid resource");
    assert.equal(refusal({ ...everyone, Action: "sqs:SendMessage" }), "Policy has invalid action");
    const notApplicable = "Action does not apply to any resource(s) in statement";
    assert.equal(refusal({ ...everyone, Resource: "arn:aws:s3:::b" }), notApplicable);
    assert.equal(refusal({ ...everyone, Action: "s3:ListBucket" }), notApplicable);
    assert.equal(
      refusal({ ...everyone, Action: "s3:GetBucketObjectLockConfiguration" }),
      notApplicable,
    );
    assert.equal(refusal({ ...everyone, Principal: "someone" }), "Invalid principal in policy");
    assert.throws(() => parseBucketPolicy("", "b"), /first byte must be/);
    assert.throws(() => parseBucketPolicy("{", "b"), /invalid Json/);
    assert.throws(() => parseBucketPolicy(`{"a":"${"x".repeat(20_480)}"}`, "b"), /too large/);
  });

  it("refuses condition keys that S3 does not know, and those that say nothing of the actions", () => {
    const when = (key: string, more: object = {}) =>
      refusal({ ...everyone, ...more, Condition: { StringEquals: { [key]: "x" } } });
    const unknown = "Policy has an invalid condition key";
    for (const key of ["s3:foo", "s3:ExistingObjectTag", "s3:ExistingObjectTag/", "s3:prefix/a"])
      assert.equal(when(key), unknown, key);
    const onBucket = { Action: "s3:ListBucket", Resource: "arn:aws:s3:::b" };
    const notApplicable =
      "Conditions do not apply to combination of actions and resources in statement";
    assert.equal(when("s3:prefix"), notApplicable);
    assert.equal(when("s3:ExistingObjectTag/a", onBucket), notApplicable);
    assert.equal(when("s3:x-amz-acl", { Action: ["s3:GetObject", "s3:Delete*"] }), notApplicable);
    assert.equal(when("S3:Prefix", onBucket), "");
    assert.equal(when("s3:x-amz-acl", { Action: "s3:Put*" }), "");
    assert.equal(when("s3:prefix", { Action: "s3:*" }), "");
    assert.equal(when("s3:authType"), "");
    assert.equal(when("aws:PrincipalTag/team"), "");
  });

  it("refuses principals that cannot be", () => {
    const named = (Principal: object) => refusal({ ...everyone, Principal });
    const invalid = "Invalid principal in policy";
    assert.equal(named({ CanonicalUser: "abc" }), invalid);
    assert.equal(named({ Service: "foo" }), invalid);
    assert.equal(named({ CanonicalUser: "0a".repeat(32) }), "");
    assert.equal(named({ Service: "logging.s3.amazonaws.com" }), "");
  });

  it("is told to be public or not as S3 tells it", () => {
    const isPublic = (more: object) =>
      isPublicPolicy(parseBucketPolicy(textOf({ ...everyone, ...more }), "b"));
    assert.equal(isPublic({}), true);
    assert.equal(isPublic({ Effect: "Deny" }), false);
    assert.equal(isPublic({ Principal: { AWS: "123456789012" } }), false);
    assert.equal(isPublic({ Principal: { AWS: "*" } }), true);
    assert.equal(isPublic({ Condition: { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } } }), false);
    assert.equal(isPublic({ Condition: { IpAddress: { "aws:SourceIp": "0.0.0.0/0" } } }), true);
    const halves = { "aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"] };
    assert.equal(isPublic({ Condition: { IpAddress: halves } }), true);
    assert.equal(isPublic({ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }), false);
    const own = { "aws:PrincipalArn": "arn:aws:iam::123456789012:user/x" };
    assert.equal(isPublic({ Condition: { ArnEquals: own } }), false);
    assert.equal(isPublic({ Condition: { "ForAllValues:ArnEquals": own } }), true);
    assert.equal(isPublic({ Condition: { StringLike: { "aws:userid": "AIDA*" } } }), true);
    assert.equal(isPublic({ Condition: { StringEquals: { "aws:SourceVpc": "vpc-1" } } }), false);
    const listing = { Action: "s3:ListBucket", Resource: "arn:aws:s3:::b" };
    const Condition = { StringEquals: { "s3:prefix": "x" } };
    assert.equal(isPublic({ ...listing, Condition }), true);
  });
});
