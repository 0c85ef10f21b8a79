import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import {
  CreateBucketCommand,
  GetObjectRetentionCommand,
  GetPublicAccessBlockCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { accessKeyId, secretAccessKey } from "../testing/aws-port.ts";
import { startS3 } from "./testing/s3-door.ts";

const Bucket = "old-locked";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3("old-signed");
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
});
after(() => s3.stop());

/** An address presigned by version 2, and what someone appended to it. */
async function asked(method: string, path: string, more = "", body = ""): Promise<string> {
  const expires = Math.floor(Date.now() / 1000) + 60;
  const [, resource = ""] = path.split("?");
  const text = `${method}\n\n\n${expires}\n${path}`;
  const signature = createHmac("sha1", secretAccessKey).update(text).digest("base64");
  const query = new URLSearchParams({
    AWSAccessKeyId: accessKeyId,
    Signature: signature,
    Expires: String(expires),
  });
  const url = `${s3.endpoint}${path.split("?")[0]}?${query}${resource && `&${resource}`}${more}`;
  const answer = await fetch(url, {
    method,
    ...(body !== "" && { body: Buffer.from(body) }),
  });
  const code = /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1];
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}

test("an address presigned by version 2 does what was signed", async () => {
  assert.equal(await asked("GET", `/${Bucket}/k`), "200");
  assert.equal(await asked("GET", `/${Bucket}?versions`), "200");
  assert.equal(await asked("GET", `/${Bucket}`, "&list-type=2"), "200");
});

test("and nothing that a parameter selects which version 2 does not sign", async () => {
  const retention =
    "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate></Retention>";
  assert.equal(await asked("PUT", `/${Bucket}/k`, "&retention", retention), "400 InvalidRequest");
  await assert.rejects(s3.client.send(new GetObjectRetentionCommand({ Bucket, Key: "k" })), {
    name: "NoSuchObjectLockConfiguration",
  });
  assert.equal(await asked("DELETE", `/${Bucket}`, "&publicAccessBlock"), "400 InvalidRequest");
  await s3.client.send(new GetPublicAccessBlockCommand({ Bucket }));
  for (const appended of [
    "encryption",
    "publicAccessBlock",
    "%70ublicAccessBlock",
    "ownershipControls",
    "policyStatus",
    "intelligent-tiering",
  ])
    assert.equal(await asked("GET", `/${Bucket}`, `&${appended}`), "400 InvalidRequest", appended);
  for (const appended of ["legal-hold", "retention"])
    assert.equal(await asked("GET", `/${Bucket}/k`, `&${appended}`), "400 InvalidRequest");
});

test("a query that only holds the letters of a signature is an anonymous one's", async () => {
  for (const prefix of ["X-Amz-", "aX-Amz-b"]) {
    const { code } = await s3.raw({
      method: "GET",
      path: `/${Bucket}`,
      query: { prefix },
      isAnonymous: true,
    });
    assert.equal(code, "AccessDenied");
  }
});
