import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Principal } from "#/model/principal.ts";
import { anonymous } from "../signatures/verify.ts";
import { authorize, type IdentityPolicies, type Question } from "./authorize.ts";
import { parsePolicy } from "./policy.ts";

const here = "111111111111";
const there = "222222222222";
const account: Principal = {
  kind: "account",
  project: "p",
  accountId: here,
  arn: `arn:aws:iam::${here}:root`,
  userId: here,
  name: "",
};
const ann: Principal = {
  ...account,
  kind: "user",
  arn: `arn:aws:iam::${here}:user/ann`,
  userId: "AIDAAAAAAAAAAAAAAAAA",
  name: "ann",
};
const session: Principal = {
  ...account,
  kind: "role",
  arn: `arn:aws:sts::${here}:assumed-role/reader/one`,
  roleArn: `arn:aws:iam::${here}:role/reader`,
  userId: "AROAAAAAAAAAAAAAAAAA:one",
  name: "reader",
};

type Json = Record<string, unknown>;
const textOf = (...statements: Json[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const allow = (more: Json = {}): Json => ({
  Effect: "Allow",
  Action: "s3:*",
  Resource: "*",
  ...more,
});
const deny = (more: Json = {}): Json => ({ ...allow(more), Effect: "Deny" });
const arn = "arn:aws:s3:::b/k";

interface Case extends Omit<Partial<Question>, "resource"> {
  identity?: Json[];
  boundary?: Json[];
  resource?: Json[];
  session?: Json[];
  context?: Record<string, string | string[]>;
}

function decide(asked: Case): string {
  const { identity, boundary, resource, session: limits, context = {}, ...more } = asked;
  const { principal = ann } = more;
  const policy = (statements: Json[]) => [parsePolicy(textOf(...statements), "identity")];
  const policies: IdentityPolicies = {
    identity: identity ? policy(identity) : [],
    ...(boundary && { boundary: policy(boundary) }),
  };
  const question: Question = {
    action: "s3:GetObject",
    resource: arn,
    resourceAccountId: here,
    facts: (key) => context[key],
    ...(resource && { resourcePolicy: textOf(...resource) }),
    ...more,
    principal: limits ? { ...principal, sessionPolicies: [textOf(...limits)] } : principal,
  };
  return authorize(question, () => policies, Date.UTC(2026, 10, 23)).effect;
}

const to = (name: string) => ({ Principal: { AWS: name } });

describe("authorize() within an account", () => {
  it("allows an account everything of its own, but what its resource's policy denies", () => {
    assert.equal(decide({ principal: account }), "allow");
    assert.equal(decide({ principal: account, resource: [deny(to("*"))] }), "deny");
    assert.equal(decide({ principal: account, resource: [allow(to(there))] }), "allow");
  });

  it("allows a user nothing until a policy does, and nothing that one denies", () => {
    assert.equal(decide({}), "none");
    assert.equal(decide({ identity: [allow()] }), "allow");
    assert.equal(decide({ identity: [allow(), deny()] }), "deny");
    assert.equal(decide({ identity: [allow({ Action: "s3:Put*" })] }), "none");
    assert.equal(decide({ identity: [allow({ Resource: "arn:aws:s3:::c/*" })] }), "none");
    assert.equal(
      decide({ identity: [{ ...allow(), NotAction: "s3:Get*", Action: undefined }] }),
      "none",
    );
    assert.equal(
      decide({ identity: [{ ...allow(), NotResource: "arn:aws:s3:::c/*", Resource: undefined }] }),
      "allow",
    );
    assert.equal(decide({ identity: [allow({ Action: "S3:getobject" })] }), "allow");
  });

  it("lets either the user's policy or the resource's be enough", () => {
    assert.equal(decide({ resource: [allow(to(ann.arn))] }), "allow");
    assert.equal(decide({ resource: [allow(to(ann.userId))] }), "allow");
    assert.equal(decide({ resource: [allow({ Principal: "*" })] }), "allow");
    assert.equal(decide({ resource: [allow(to(account.arn))] }), "none");
    assert.equal(decide({ resource: [allow(to(here))], identity: [allow()] }), "allow");
    assert.equal(decide({ identity: [allow()], resource: [deny(to(ann.arn))] }), "deny");
    assert.equal(decide({ identity: [allow()], resource: [deny(to(here))] }), "deny");
    assert.equal(decide({ identity: [deny()], resource: [allow(to(ann.arn))] }), "deny");
  });

  it("holds a boundary against what identity policies allow, not against what the resource gives the user", () => {
    const identity = [allow()];
    assert.equal(decide({ identity, boundary: [allow({ Action: "s3:Put*" })] }), "none");
    assert.equal(decide({ identity, boundary: [allow({ Action: "s3:Get*" })] }), "allow");
    assert.equal(decide({ boundary: [allow()] }), "none");
    assert.equal(decide({ identity, boundary: [allow(), deny()] }), "deny");
    assert.equal(
      decide({ boundary: [allow({ Action: "s3:Put*" })], resource: [allow(to(ann.arn))] }),
      "allow",
    );
  });

  it("holds a session's policies against its role's, and against what the resource gives the role", () => {
    const principal = session;
    const puts = [allow({ Action: "s3:Put*" })];
    assert.equal(decide({ principal, identity: [allow()] }), "allow");
    assert.equal(decide({ principal, identity: [allow()], session: puts }), "none");
    assert.equal(decide({ principal, identity: [allow()], session: [allow()] }), "allow");
    assert.equal(decide({ principal, session: [allow()] }), "none");
    assert.equal(decide({ principal, resource: [allow(to(session.roleArn!))] }), "allow");
    assert.equal(
      decide({ principal, resource: [allow(to(session.roleArn!))], session: puts }),
      "none",
    );
    assert.equal(
      decide({ principal, resource: [allow(to(session.roleArn!))], boundary: puts }),
      "none",
    );
    assert.equal(decide({ principal, resource: [allow(to(session.arn))], session: puts }), "allow");
    assert.equal(decide({ principal, identity: [allow()], session: [allow(), deny()] }), "deny");
  });

  it("denies all but whom NotPrincipal names", () => {
    const resource = (names: string[]) => [{ ...deny(), NotPrincipal: { AWS: names } }];
    const identity = [allow()];
    assert.equal(decide({ identity, resource: resource([ann.arn, account.arn]) }), "allow");
    assert.equal(decide({ identity, resource: resource([account.arn]) }), "deny");
    assert.equal(decide({ principal: account, resource: resource([account.arn]) }), "allow");
    assert.equal(decide({ principal: account, resource: resource([ann.arn]) }), "deny");
  });

  it("takes an account's policies for a key or a role only where its own policy leaves it to them", () => {
    const identity = [allow()];
    const isResourcePolicyNeeded = true;
    assert.equal(
      decide({ identity, isResourcePolicyNeeded, resource: [allow(to(there))] }),
      "none",
    );
    assert.equal(
      decide({ identity, isResourcePolicyNeeded, resource: [allow(to(here))] }),
      "allow",
    );
    assert.equal(decide({ isResourcePolicyNeeded, resource: [allow(to(here))] }), "none");
    assert.equal(
      decide({ principal: account, isResourcePolicyNeeded, resource: [allow(to(there))] }),
      "none",
    );
  });
});

describe("authorize() across accounts, and for nobody", () => {
  const resourceAccountId = there;

  it("needs both sides", () => {
    const identity = [allow()];
    assert.equal(decide({ resourceAccountId, identity }), "none");
    assert.equal(decide({ resourceAccountId, resource: [allow(to(ann.arn))] }), "none");
    assert.equal(decide({ resourceAccountId, identity, resource: [allow(to(ann.arn))] }), "allow");
    assert.equal(decide({ resourceAccountId, identity, resource: [allow(to(here))] }), "allow");
    assert.equal(decide({ resourceAccountId, identity, resource: [allow(to(there))] }), "none");
    assert.equal(
      decide({ resourceAccountId, identity, resource: [allow(to("*")), deny(to(here))] }),
      "deny",
    );
    assert.equal(decide({ resourceAccountId, principal: account }), "none");
    assert.equal(
      decide({ resourceAccountId, principal: account, resource: [allow(to(here))] }),
      "allow",
    );
  });

  it("allows everyone only what the resource's policy gives to everyone", () => {
    const principal = anonymous;
    assert.equal(decide({ principal }), "none");
    assert.equal(decide({ principal, resource: [allow({ Principal: "*" })] }), "allow");
    assert.equal(decide({ principal, resource: [allow(to("*"))] }), "allow");
    assert.equal(decide({ principal, resource: [allow(to(here))] }), "none");
    assert.equal(decide({ principal, resource: [allow(to("*")), deny(to("*"))] }), "deny");
  });
});

describe("conditions", () => {
  const when = (condition: Json, context: Record<string, string | string[]> = {}) =>
    decide({ identity: [allow({ Condition: condition })], context }) === "allow";

  it("compare text, numbers, dates, addresses, ARNs, truth and absence", () => {
    const prefix = { "s3:prefix": "home/ann" };
    const cases: [Json, Record<string, string | string[]>, boolean][] = [
      [{ StringEquals: { "s3:prefix": "home/ann" } }, prefix, true],
      [{ StringEquals: { "s3:PREFIX": ["x", "home/ann"] } }, prefix, true],
      [{ StringEquals: { "s3:prefix": "home/*" } }, prefix, false],
      [{ StringEquals: { "s3:prefix": "home/ann" } }, {}, false],
      [{ StringEqualsIfExists: { "s3:prefix": "home/ann" } }, {}, true],
      [{ StringNotEquals: { "s3:prefix": ["a", "home/ann"] } }, prefix, false],
      [{ StringNotEquals: { "s3:prefix": "a" } }, {}, true],
      [{ StringEqualsIgnoreCase: { "s3:prefix": "HOME/ann" } }, prefix, true],
      [{ StringLike: { "s3:prefix": "home/*" } }, prefix, true],
      [{ StringLike: { "s3:prefix": "hom?/ann" } }, prefix, true],
      [{ StringNotLike: { "s3:prefix": "home/*" } }, prefix, false],
      [{ NumericLessThanEquals: { "s3:max-keys": "10" } }, { "s3:max-keys": "10" }, true],
      [{ NumericLessThan: { "s3:max-keys": 10 } }, { "s3:max-keys": "10" }, false],
      [{ NumericNotEquals: { "s3:max-keys": 10 } }, { "s3:max-keys": "10.0" }, false],
      [{ DateGreaterThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" } }, {}, true],
      [{ DateLessThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" } }, {}, false],
      [{ DateGreaterThan: { "aws:EpochTime": "1700000000" } }, {}, true],
      [{ IpAddress: { "aws:SourceIp": ["10.0.0.0/8"] } }, { "aws:sourceip": "10.9.8.7" }, true],
      [
        { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
        { "aws:sourceip": "::ffff:10.1.1.1" },
        true,
      ],
      [
        { IpAddress: { "aws:SourceIp": "2001:db8::/32" } },
        { "aws:sourceip": "2001:db8:1::2" },
        true,
      ],
      [{ NotIpAddress: { "aws:SourceIp": "10.0.0.0/8" } }, { "aws:sourceip": "10.9.8.7" }, false],
      [{ Bool: { "aws:SecureTransport": "true" } }, { "aws:securetransport": "false" }, false],
      [{ Bool: { "aws:SecureTransport": false } }, { "aws:securetransport": "false" }, true],
      [{ Null: { "aws:TokenIssueTime": "true" } }, {}, true],
      [{ Null: { "s3:prefix": "true" } }, prefix, false],
      [{ Null: { "s3:prefix": "false" } }, prefix, true],
      [{ ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:user/*" } }, {}, true],
      [{ ArnEquals: { "aws:PrincipalArn": "arn:aws:*:user/ann" } }, {}, false],
      [{ StringEquals: { "aws:username": "ann", "aws:PrincipalAccount": here } }, {}, true],
      [{ StringEquals: { "aws:ResourceAccount": here, "s3:ResourceAccount": here } }, {}, true],
      [{ StringEquals: { "aws:username": "ann" }, Null: { "aws:username": "true" } }, {}, false],
    ];
    for (const [condition, context, isTrue] of cases)
      assert.equal(when(condition, context), isTrue, JSON.stringify([condition, context]));
  });

  it("ask of all values or of any, as their set operator says", () => {
    const keys = (...values: string[]) => ({ "aws:tagkeys": values });
    const all = { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] } };
    const any = { "ForAnyValue:StringEquals": { "aws:TagKeys": ["a", "b"] } };
    assert.deepEqual(
      [when(all, keys("a", "b")), when(all, keys("a", "c")), when(all)],
      [true, false, true],
    );
    assert.deepEqual(
      [when(any, keys("c", "b")), when(any, keys("c")), when(any)],
      [true, false, false],
    );
    const none = { "ForAllValues:StringNotEquals": { "aws:TagKeys": "c" } };
    assert.deepEqual([when(none, keys("a")), when(none, keys("a", "c"))], [true, false]);
  });

  it("and resources know variables, whose values are no patterns, and which may have a default", () => {
    const own = [allow({ Resource: "arn:aws:s3:::b/${aws:username}/*" })];
    const at = (key: string, identity: Json[], principal = ann) => {
      const policies = { identity: [parsePolicy(textOf(...identity), "identity")] };
      const question: Question = {
        principal,
        action: "s3:GetObject",
        resource: `arn:aws:s3:::b/${key}`,
        resourceAccountId: here,
      };
      return authorize(question, () => policies, 0).effect;
    };
    assert.equal(at("ann/x", own), "allow");
    assert.equal(at("bob/x", own), "none");
    assert.equal(at("bob/x", own, { ...ann, name: "*" }), "none");
    assert.equal(at("*/x", own, { ...ann, name: "*" }), "allow");
    assert.equal(at("x/y", own, session), "none");
    const team = [allow({ Resource: "arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}/${*}" })];
    assert.equal(at("none/*", team), "allow");
    assert.equal(at("none/x", team), "none");
    assert.equal(at("red/*", team, { ...ann, tags: { team: "red" } }), "allow");
    const ofTeam = "arn:aws:iam::*:user/${aws:PrincipalTag/team}";
    const arns = [allow({ Condition: { ArnLike: { "aws:PrincipalArn": ofTeam } } })];
    assert.equal(at("x", arns, { ...ann, tags: { team: ann.name } }), "allow");
    assert.equal(at("x", arns, { ...ann, tags: { team: "*" } }), "none");
    assert.equal(at("x", arns, { ...ann, tags: { team: "?".repeat(ann.name.length) } }), "none");
  });
});

describe("Pattern, as policies use it", () => {
  it("agrees with a regular expression of the same meaning", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    const texts = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
    fc.assert(
      fc.property(letters, texts, (pattern, text) => {
        const wanted = new RegExp(`^${pattern.replaceAll("?", ".").replaceAll(/\*+/g, ".*")}$`);
        const identity = [allow({ Resource: `arn:aws:s3:::b/${pattern}x` })];
        const policies = { identity: [parsePolicy(textOf(...identity), "identity")] };
        const resource = `arn:aws:s3:::b/${text}x`;
        const question = {
          principal: ann,
          action: "s3:GetObject",
          resource,
          resourceAccountId: here,
        };
        const isAllowed = authorize(question, () => policies, 0).effect === "allow";
        assert.equal(isAllowed, wanted.test(text));
      }),
    );
  });

  it("takes no time for patterns that would take regular expressions for ever", () => {
    const identity = [allow({ Resource: `arn:aws:s3:::b/${"*a".repeat(400)}b` })];
    const policies = { identity: [parsePolicy(textOf(...identity), "identity")] };
    const resource = `arn:aws:s3:::b/${"a".repeat(1000)}`;
    const question = { principal: ann, action: "s3:GetObject", resource, resourceAccountId: here };
    assert.equal(authorize(question, () => policies, 0).effect, "none");
  });
});
