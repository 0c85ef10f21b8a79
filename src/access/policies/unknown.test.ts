import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Principal } from "#/model/principal.ts";
import { authorize, type Question } from "./authorize.ts";
import { parsePolicy } from "./policy.ts";

const here = "111111111111";
const ann: Principal = {
  kind: "user",
  project: "p",
  accountId: here,
  arn: `arn:aws:iam::${here}:user/ann`,
  userId: "AIDAAAAAAAAAAAAAAAAA",
  name: "ann",
};
const unknown = { conditions: ["s3:RequestObjectTag/", "s3:object-lock-mode"] };
const values = fc.constantFrom("a", "b");
const keys = fc.constantFrom("s3:RequestObjectTag/t", "s3:object-lock-mode", "s3:prefix");
const operators = fc.constantFrom(
  "StringEquals",
  "StringNotEquals",
  "StringLikeIfExists",
  "ForAllValues:StringEquals",
  "Null",
);
const resources = fc.constantFrom(
  "*",
  "arn:aws:s3:::b/${s3:RequestObjectTag/t}",
  "arn:aws:s3:::c/*",
);
const statements = fc.record({
  Effect: fc.constantFrom("Allow", "Deny"),
  Action: fc.constantFrom("s3:*", "s3:PutObjectTagging", "s3:GetObject"),
  Resource: resources,
  Condition: fc.tuple(operators, keys, values).map(([operator, key, value]) => ({
    [operator]: { [key]: operator === "Null" ? String(value === "a") : value },
  })),
});
const facts = fc.dictionary(
  fc.constantFrom("s3:requestobjecttag/t", "s3:object-lock-mode", "s3:prefix"),
  values,
);

function effectOf(said: object[], known: Record<string, string>, more: Partial<Question>): string {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: said });
  const question: Question = {
    principal: ann,
    action: "s3:PutObjectTagging",
    resource: "arn:aws:s3:::b/a",
    resourceAccountId: here,
    facts: (key) => known[key],
    ...more,
  };
  return authorize(question, () => ({ identity: [parsePolicy(text, "identity")] }), 0).effect;
}

describe("authorize() of what is not all known", () => {
  it("allows whatever the whole would be allowed", () => {
    fc.assert(
      fc.property(fc.array(statements, { minLength: 1, maxLength: 4 }), facts, (said, whole) => {
        const { "s3:prefix": prefix } = whole;
        const head: Record<string, string> = prefix === undefined ? {} : { "s3:prefix": prefix };
        const isAllowed = effectOf(said, whole, {}) === "allow";
        if (isAllowed) assert.equal(effectOf(said, head, { unknown }), "allow");
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses what no document would make allowed", () => {
    const allow = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
    const deny = { Effect: "Deny", Action: "s3:*", Resource: "arn:aws:s3:::b/*" };
    assert.equal(effectOf([allow], {}, { unknown }), "none");
    assert.equal(effectOf([{ ...allow, Action: "*" }, deny], {}, { unknown }), "deny");
    const tagged = { ...allow, Condition: { StringEquals: { "s3:RequestObjectTag/t": "a" } } };
    assert.equal(effectOf([tagged], {}, { unknown }), "none");
    assert.equal(effectOf([allow], {}, { unknown: { resource: true } }), "none");
    const elsewhere = { ...allow, Action: "*", Resource: "arn:aws:s3:::c/*" };
    assert.equal(effectOf([elsewhere], {}, { unknown }), "none");
    assert.equal(effectOf([elsewhere], {}, { unknown: { resource: true } }), "allow");
  });
});
