import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AwsError } from "#/model/aws-error.ts";
import type { Principal } from "#/model/principal.ts";
import { checkPostPolicy, oldFormSignature } from "./form.ts";
import { refuse } from "./refusals.ts";
import { Signatures } from "./verify.ts";

/** AWS's own example of a form (API_s3: sigv4-post-example). */
const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const policy =
  "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
const fields = new Map([
  ["bucket", "sigv4examplebucket"],
  ["key", "user/user1/picture.png"],
  ["acl", "public-read"],
  ["success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"],
  ["content-type", "image/jpeg"],
  ["x-amz-meta-uuid", "14365123651274"],
  ["x-amz-server-side-encryption", "AES256"],
  ["x-amz-credential", `${accessKeyId}/20151229/us-east-1/s3/aws4_request`],
  ["x-amz-algorithm", "AWS4-HMAC-SHA256"],
  ["x-amz-date", "20151229T000000Z"],
  ["x-amz-meta-tag", ""],
  ["policy", policy],
  ["x-amz-signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"],
]);
const now = Date.UTC(2015, 11, 29, 1);

const principal = { kind: "account" } as Principal;
const signaturesAt = (at: number) =>
  new Signatures({
    credentials: {
      find(id, _token, service) {
        if (id !== accessKeyId) throw refuse.unknownKey(service, id);
        return { principal, secret };
      },
    },
    clock: { now: () => at },
  });
const signatures = signaturesAt(now);

const withField = (name: string, value: string | undefined) => {
  const changed = new Map(fields);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return changed;
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof AwsError, String(thrown));
    return `${thrown.awsCode}: ${thrown.message}`;
  }
  return "";
}

describe("Signatures.verifyForm()", () => {
  it("accepts AWS's example, and its fields by its policy", () => {
    const verified = signatures.verifyForm(fields);
    assert.deepEqual([verified.principal, verified.way], [principal, "form"]);
    checkPostPolicy(policy, fields, now);
  });

  it("refuses a form whose policy or signature was changed, or that lacks a part", () => {
    const verify = (name: string, value: string | undefined) =>
      codeOf(() => signatures.verifyForm(withField(name, value))).split(":")[0];
    assert.equal(verify("policy", `${policy}AA`), "SignatureDoesNotMatch");
    assert.equal(verify("x-amz-signature", "0".repeat(64)), "SignatureDoesNotMatch");
    for (const name of [
      "policy",
      "x-amz-signature",
      "x-amz-credential",
      "x-amz-date",
      "x-amz-algorithm",
    ])
      assert.equal(verify(name, undefined), "InvalidArgument", name);
    const credential = "AKIAOTHER/20151229/us-east-1/s3/aws4_request";
    assert.equal(verify("x-amz-credential", credential), "InvalidAccessKeyId");
    assert.equal(signatures.verifyForm(new Map([["key", "x"]])).way, "anonymous");
  });

  it("refuses a form that is signed in time to come, or more than a week ago", () => {
    const signedAt = Date.UTC(2015, 11, 29);
    const minuteMs = 60_000;
    const weekMs = 7 * 24 * 60 * minuteMs;
    const at = (ms: number) => codeOf(() => signaturesAt(signedAt + ms).verifyForm(fields));
    assert.equal(at(-14 * minuteMs), "");
    assert.equal(at(-16 * minuteMs), "AccessDenied: Request is not valid yet");
    assert.equal(at(weekMs), "");
    assert.equal(at(weekMs + minuteMs), "AccessDenied: Request has expired");
  });

  it("accepts a form that is signed the old way", () => {
    const form = new Map([
      ["key", "x"],
      ["awsaccesskeyid", accessKeyId],
      ["policy", policy],
      ["signature", oldFormSignature(secret, policy)],
    ]);
    assert.equal(signatures.verifyForm(form).principal, principal);
    assert.match(
      codeOf(() => signatures.verifyForm(form.set("signature", "x"))),
      /^SignatureDoes/,
    );
    form.delete("signature");
    assert.match(
      codeOf(() => signatures.verifyForm(form)),
      /^InvalidArgument/,
    );
  });
});

describe("checkPostPolicy()", () => {
  const textOf = (document: unknown) => Buffer.from(JSON.stringify(document)).toString("base64");
  const check = (conditions: unknown, given: Record<string, string>, more: object = {}) => {
    const expiration = "2015-12-30T00:00:00Z";
    const text = textOf({ expiration, conditions, ...more });
    const form = new Map(Object.entries({ policy: text, ...given }));
    return codeOf(() => checkPostPolicy(text, form, now));
  };

  it("says which condition failed, which field is in none, and when it has expired", () => {
    assert.equal(
      codeOf(() => checkPostPolicy(policy, withField("acl", "private"), now)),
      'AccessDenied: Invalid according to Policy: Policy Condition failed: {"acl":"public-read"}',
    );
    assert.match(
      codeOf(() => checkPostPolicy(policy, withField("x-amz-meta-b", "1"), now)),
      /Extra input fields: x-amz-meta-b/,
    );
    assert.equal(
      codeOf(() => checkPostPolicy(policy, withField("x-ignore-b", "1"), now)),
      "",
    );
    assert.match(
      codeOf(() => checkPostPolicy(policy, fields, now + 2 * 86_400_000)),
      /Policy expired/,
    );
    assert.match(check([], { bucket: "b" }), /^AccessDenied/);
  });

  it("knows names and operators in any case, and lists of types", () => {
    const conditions = [["StArTs-WiTh", "$KeY", "foo"], { bUcKeT: "b" }];
    assert.equal(check(conditions, { key: "foo.txt", bucket: "b" }), "");
    assert.match(check(conditions, { key: "bar.txt", bucket: "b" }), /Condition failed/);
    const types = [["starts-with", "$Content-Type", "image/"]];
    assert.equal(check(types, { "content-type": "image/png, image/jpeg" }), "");
    assert.match(check(types, { "content-type": "image/png,text/html" }), /Condition failed/);
  });

  it("gives the sizes that the file may have", () => {
    const conditions = [
      ["content-length-range", 5, 100],
      ["content-length-range", "0", "50"],
    ];
    const text = textOf({ expiration: "2015-12-30T00:00:00Z", conditions });
    assert.deepEqual(checkPostPolicy(text, new Map(), now), { bytesMin: 5, bytesMax: 50 });
  });

  it("refuses what is no policy", () => {
    const invalid = /^InvalidPolicyDocument/;
    for (const conditions of [
      undefined,
      {},
      [["eq", "$key"]],
      [["like", "$key", "x"]],
      [["eq", "key", "x"]],
      [{ a: "1", b: "2" }],
      [["content-length-range", -1, "x"]],
      [7],
    ])
      assert.match(check(conditions, {}), invalid, JSON.stringify(conditions));
    assert.match(check([], {}, { expiration: "soon" }), invalid);
    assert.match(check([], {}, { expiration: undefined }), invalid);
    for (const text of ["", "e30=", "bnVsbA==", "???"])
      assert.match(
        codeOf(() => checkPostPolicy(text, new Map(), now)),
        invalid,
      );
  });
});
