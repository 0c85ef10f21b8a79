import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { signingKeyOf } from "#/access/signatures/signing-key.ts";
import { credentials, startS3 } from "../testing/s3-door.ts";

const Bucket = "forms";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
});
after(() => s3.stop());

/** The fields of a form that may be sent for a minute, with these and under these conditions. */
function signedFields(fields: Record<string, string>, conditions: unknown[] = []) {
  const at = `${new Date().toISOString().replaceAll(/[-:]/g, "").slice(0, 15)}Z`;
  const scope = { day: at.slice(0, 8), region: "us-east-1", service: "s3" };
  const said = {
    ...fields,
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${credentials.accessKeyId}/${scope.day}/us-east-1/s3/aws4_request`,
    "x-amz-date": at,
  };
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(Date.now() + 60_000).toISOString(),
      conditions: [
        { bucket: Bucket },
        ...Object.entries(said).map(([name, value]) => ({ [name]: value })),
        ...conditions,
      ],
    }),
  ).toString("base64");
  const key = signingKeyOf(credentials.secretAccessKey, scope);
  const signature = createHmac("sha256", key).update(policy).digest("hex");
  return { ...said, policy, "x-amz-signature": signature };
}

async function post(fields: Record<string, string>, file: string, fileName = "photo.jpg") {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([file], { type: "image/jpeg" }), fileName);
  const answer = await fetch(`${s3.endpoint}/${Bucket}`, {
    method: "POST",
    body: form,
    redirect: "manual",
  });
  const body = await answer.text();
  return { answer, body, code: /<Code>(\w+)<\/Code>/.exec(body)?.[1] };
}

test("a form puts its file under the key that it names, as its fields say", async () => {
  const { answer, body } = await post(
    signedFields({
      key: "up/${filename}",
      "Content-Type": "image/jpeg",
      "x-amz-meta-by": "ann",
      success_action_status: "201",
    }),
    "bytes",
  );
  assert.equal(answer.status, 201);
  assert.match(body, /<PostResponse><Location>.*<Key>up\/photo.jpg<\/Key><ETag>/);
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: "up/photo.jpg" }));
  assert.equal(await got.Body!.transformToString(), "bytes");
  assert.deepEqual([got.ContentType, got.Metadata], ["image/jpeg", { by: "ann" }]);
});

test("a form says how long it is, as quotas go by that", async () => {
  const form = new Response(new FormData());
  const answer = await fetch(`${s3.endpoint}/${Bucket}`, {
    method: "POST",
    body: form.body!,
    duplex: "half",
    headers: { "content-type": form.headers.get("content-type")! },
  } as RequestInit);
  assert.equal(answer.status, 411);
  assert.match(await answer.text(), /<Code>MissingContentLength</);
});

test("what is posted to a bucket must be a form", async () => {
  const post = (type: string) =>
    fetch(`${s3.endpoint}/${Bucket}`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": type },
    });
  assert.equal((await post("application/json")).status, 412);
  assert.equal((await post("multipart/form-data")).status, 400);
});

test("a form leads back to the page that it names", async () => {
  const { answer } = await post(
    signedFields({ key: "r", success_action_redirect: "https://example.org/done?a=1" }),
    "bytes",
  );
  assert.equal(answer.status, 303);
  const location = new URL(answer.headers.get("location")!);
  assert.equal(location.searchParams.get("key"), "r");
  assert.equal(location.searchParams.get("bucket"), Bucket);
});

test("a form is held to its policy", async () => {
  const good = signedFields({ key: "k" }, [["content-length-range", 2, 5]]);
  assert.equal((await post(good, "12345")).answer.status, 204);
  assert.equal((await post(good, "123456")).code, "EntityTooLarge");
  assert.equal((await post(good, "1")).code, "EntityTooSmall");
  assert.equal((await post({ ...good, key: "other" }, "123")).code, "AccessDenied");
  assert.equal((await post({ ...good, acl: "private" }, "123")).code, "AccessDenied");
  const forged = { ...good, "x-amz-signature": "0".repeat(64) };
  assert.equal((await post(forged, "123")).code, "SignatureDoesNotMatch");
  assert.equal((await post({ key: "k" }, "123")).code, "AccessDenied");
  assert.equal((await post(signedFields({}), "123")).code, "InvalidArgument");
});
