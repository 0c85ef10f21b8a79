import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AwsError } from "#/model/aws-error.ts";
import type { Principal } from "#/model/principal.ts";
import { authorize } from "./policies/authorize.ts";
import { parsePolicy, PolicyFault } from "./policies/policy.ts";
import { verifiedBytes } from "./signatures/body.ts";
import type { Content } from "./signatures/content.ts";
import { checkPostPolicy } from "./signatures/form.ts";
import { signingKeyOf } from "./signatures/signing-key.ts";
import { Signatures } from "./signatures/verify.ts";
import { requestOf } from "./testing/request.ts";

const principal = { kind: "user", accountId: "1".repeat(12), arn: "a", userId: "b" } as Principal;
const signatures = new Signatures({
  credentials: { find: () => ({ principal, secret: "secret" }) },
  clock: { now: () => Date.UTC(2026, 10, 23) },
});

/** What comes of it; undefined where it was refused as documented. Anything else that is thrown is a fault. */
function orRefused<T>(run: () => T, kind: new (...args: never[]) => Error): T | undefined {
  try {
    return run();
  } catch (thrown) {
    assert.ok(thrown instanceof kind, String((thrown as Error).stack));
    return undefined;
  }
}

const piece = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "AWS4-HMAC-SHA256",
    "Credential=",
    "AKIA/20261123/us-east-1/s3/aws4_request",
    ", ",
    "SignedHeaders=",
    "host;x-amz-date",
    "Signature=",
    "0".repeat(64),
    "X-Amz-Date=",
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&",
    "X-Amz-Credential=",
    "X-Amz-Expires=9",
    "&",
    "%",
    "/",
    "20261123T000000Z",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "iam",
    "=",
  ),
);
const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

test("no header or address makes verify() fail in another way than AWS documents, or succeed", () => {
  const names = fc.constantFrom(
    "authorization",
    "x-amz-date",
    "date",
    "x-amz-content-sha256",
    "host",
    "x-amz-acl",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-trailer",
  );
  const headers = fc.array(fc.tuple(names, text), { maxLength: 6 });
  fc.assert(
    fc.property(text, headers, (url, given) => {
      const request = requestOf("GET", `/${url}`, given);
      const verified = orRefused(() => signatures.verify(request), AwsError);
      if (verified) assert.equal(verified.principal.kind, "anonymous");
    }),
    { numRuns: 3000 },
  );
});

test("no bytes make a body's reader fail in another way, or take forged chunks for signed ones", () => {
  const scope = { day: "20261123", region: "us-east-1", service: "s3" };
  const seed = {
    signature: "0".repeat(64),
    key: signingKeyOf("secret", scope),
    at: "20261123T000000Z",
    scope: "20261123/us-east-1/s3/aws4_request",
  };
  const chunk = fc.oneof(
    fc.string({ unit: "binary-ascii", maxLength: 12 }),
    fc.constantFrom("5", "0", ";chunk-signature=", "0".repeat(64), "\r\n", "hello", "x-a:", "b"),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 16 }), fc.boolean(), (pieces, isSigned) => {
      const content: Content = {
        kind: "chunks",
        decodedBytes: 5,
        hasTrailer: true,
        trailers: [],
        ...(isSigned && { seed }),
      };
      const read = orRefused(() => verifiedBytes(Buffer.from(pieces.join("")), content), AwsError);
      if (read) assert.ok(!isSigned && read.bytes.length === 5);
    }),
    { numRuns: 3000 },
  );
});

test("no JSON makes parsePolicy() or checkPostPolicy() fail in another way, nor what they took", () => {
  const word = fc.constantFrom(
    "Version",
    "2012-10-17",
    "Statement",
    "Effect",
    "Allow",
    "Deny",
    "Action",
    "s3:*",
    "*",
    "Resource",
    "arn:aws:s3:::b/${aws:username}",
    "Principal",
    "AWS",
    "Condition",
    "${",
    "Sid",
    "StringLike",
    "IpAddress",
    "aws:SourceIp",
    "10.0.0.0/8",
    "::1/128",
    "Null",
    "true",
    "expiration",
    "2030-01-01T00:00:00Z",
    "conditions",
    "eq",
    "$key",
    "content-length-range",
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      word,
      fc.integer(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(word, tie("value"), { maxKeys: 5 }),
    ),
  }));
  const statement = fc.record({
    Effect: fc.constantFrom("Allow", "Deny"),
    Action: fc.oneof(word, fc.constant("s3:Get*")),
    Resource: fc.oneof(word, fc.constant("*")),
    Condition: value,
  });
  const document = fc.oneof(
    value,
    fc.record({ Version: word, Statement: fc.oneof(value, statement) }),
  );
  fc.assert(
    fc.property(document, fc.constantFrom("identity", "resource", "trust"), (given, kind) => {
      const json = JSON.stringify(given);
      const policy = orRefused(() => parsePolicy(json, kind as "identity"), PolicyFault);
      if (policy)
        authorize(
          {
            principal,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/k",
            resourceAccountId: principal.accountId,
            facts: (key) => (key === "aws:sourceip" ? "not an address" : undefined),
          },
          () => ({ identity: [policy] }),
          0,
        );
      const form = Buffer.from(json).toString("base64");
      orRefused(() => checkPostPolicy(form, new Map([["key", "k"]]), 0), AwsError);
    }),
    { numRuns: 3000 },
  );
});
