import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { DeleteFunctionCommand, UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda";
import { textOf } from "#/base/body.ts";
import { makeZip } from "#/functions/testing/make-zip.ts";
import { accessKeyId, clientOptions } from "../testing/aws-port.ts";
import { startLambdaWorld, zip } from "./testing/lambda-world.ts";

let world: Awaited<ReturnType<typeof startLambdaWorld>>;
let s3: S3Client;
before(async () => {
  world = await startLambdaWorld();
  s3 = new S3Client(clientOptions(world.aws.endpoint));
  await s3.send(new CreateBucketCommand({ Bucket: "code" }));
});
after(() => world.aws.stop());

const parameter = (message: RegExp) => ({ name: "InvalidParameterValueException", message });

test("code is read from a bucket, the version that is named, by who may read it", async () => {
  const { create, client, user } = world;
  const Status = "Enabled" as const;
  const Bucket = "code";
  const Key = "path to/ü.zip";
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  const first = await s3.send(
    new PutObjectCommand({ Bucket, Key, Body: zip, ServerSideEncryption: "AES256" }),
  );
  const newer = makeZip([{ name: "index.mjs", content: "newer" }]);
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: newer }));
  const FunctionName = "of-a-bucket";
  const Code = { S3Bucket: Bucket, S3Key: Key };
  const made = await create(FunctionName, { Code });
  assert.equal(made.CodeSize, newer.length);
  const named = { FunctionName, ...Code, S3ObjectVersion: first.VersionId };
  const updated = await client.send(new UpdateFunctionCodeCommand(named));
  assert.equal(updated.CodeSize, zip.length);
  for (const [more, message] of [
    [{ S3Key: "nothing" }, /S3 Error Code: NoSuchKey/],
    [{ S3Bucket: "no-such-bucket" }, /S3 Error Code: NoSuchBucket/],
    [{ S3ObjectVersion: "null" }, /S3 Error Code: NoSuchVersion/],
  ] as const) {
    const asked = { FunctionName, ...Code, ...more };
    await assert.rejects(client.send(new UpdateFunctionCodeCommand(asked)), parameter(message));
  }
  const poor = await user({ Effect: "Allow", Action: "lambda:*", Resource: "*" });
  const asked = { FunctionName, ...Code };
  await assert.rejects(poor.send(new UpdateFunctionCodeCommand(asked)), {
    name: "AccessDeniedException",
    message: /^Your access has been denied by S3/,
  });
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "no zip" }));
  await assert.rejects(
    client.send(new UpdateFunctionCodeCommand(asked)),
    parameter(/Could not unzip/),
  );
});

test("an archive that would harm, or is none, is refused in Lambda's words", async () => {
  const { create } = world;
  for (const [ZipFile, message] of [
    [Buffer.from("no zip"), /^Could not unzip uploaded file\. Please check your file/],
    [Buffer.alloc(0), /non-empty zip|source for function code/],
    [makeZip([]), /^Uploaded file must be a non-empty zip$/],
    [makeZip([{ name: "../../etc/cron.d/x" }]), /leads out/],
    [makeZip([{ name: "/etc/passwd" }]), /absolute name/],
    [makeZip([{ name: "a", content: "/etc/shadow", mode: 0o120777 }]), /link 'a' leads out/],
    [zip.subarray(0, 80), /Could not unzip/],
  ] as const)
    await assert.rejects(create("bad", { Code: { ZipFile } }), parameter(message), String(message));
  const large = makeZip([{ name: "a" }]);
  large.writeUInt32LE(262_144_001, large.readUInt32LE(large.length - 6) + 24);
  await assert.rejects(
    create("bad", { Code: { ZipFile: large } }),
    parameter(/^Unzipped size must be smaller than 262144000 bytes$/),
  );
  await assert.rejects(create("bad", { Code: {} }), parameter(/provide a source/));
  await assert.rejects(
    create("bad", { Code: { ZipFile: zip, S3Bucket: "code" } }),
    parameter(/do not provide other FunctionCode parameters/),
  );
});

test("fifty megabytes come in a request, and not a byte more", async () => {
  const { create, aws, client } = world;
  const most = makeZip([
    { name: "random", content: randomBytes(50 * 1024 * 1024 - 200), isStored: true },
  ]);
  const FunctionName = "large";
  const made = await create(FunctionName, { Code: { ZipFile: most } });
  assert.equal(made.CodeSize, most.length);
  await client.send(new DeleteFunctionCommand({ FunctionName }));
  const { status, text } = await announced(aws.endpoint, 70_167_212, accessKeyId);
  assert.equal(status, 413);
  assert.match(text, /70167211 bytes/);
  const stranger = await announced(aws.endpoint, 50_000_000, "AKIANOBODY");
  assert.deepEqual([stranger.status, stranger.type], [403, "UnrecognizedClientException"]);
});

/** What is answered to a request that says how long it will be. */
async function announced(endpoint: string, bytes: number, key: string) {
  const headers = {
    "content-length": String(bytes),
    "x-amz-date": "20261124T000000Z",
    authorization: `AWS4-HMAC-SHA256 Credential=${key}/20261124/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
  };
  const asked = request(`${endpoint}/2015-03-31/functions`, { method: "POST", headers });
  asked.write("{");
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const text = await textOf(answer);
  asked.destroy();
  return { status: answer.statusCode, type: answer.headers["x-amzn-errortype"], text };
}
