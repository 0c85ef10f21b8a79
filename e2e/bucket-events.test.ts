import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

interface Told {
  Records?: { eventName: string; s3: { object: { key: string; sequencer: string } } }[];
}

test("what was acknowledged is told to a webhook, though the cloud is killed before it could be", async (t) => {
  const cloud = newCloud();
  await cloud.up();
  const told: { id: string; body: Told }[] = [];
  let isOpen = false;
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    request.on("end", () => {
      if (!isOpen) return void response.writeHead(503).end();
      const {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": signature,
      } = request.headers;
      const right = createHmac("sha256", key).update(`${String(id)}.${String(at)}.${text}`);
      assert.equal(signature, `v1,${right.digest("base64")}`);
      told.push({ id: String(id), body: JSON.parse(text) as Told });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const made = await cloud.call<{ arn: string; secret: string }>("POST", "/v1/webhooks", {
    name: "mine",
    url,
  });
  const key = Buffer.from(made.secret.slice("whsec_".length), "base64");
  const access = await cloud.call<{ accessKeyId: string; secretAccessKey: string }>(
    "POST",
    "/v1/access-keys",
    { title: "test" },
  );
  const client = new sdk.S3Client({
    endpoint: cloud.awsUrl,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: access,
  });
  t.after(() => client.destroy());
  const Bucket = "told-to-others";
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  await client.send(
    new sdk.PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        TopicConfigurations: [{ TopicArn: made.arn, Events: ["s3:ObjectCreated:*"] }],
      },
    }),
  );
  const acknowledged = new Set<string>();
  const putting = Array.from({ length: 8 }, async (_, worker) => {
    for (let count = 0; count < 1000; count++) {
      const Key = `${worker}/${count}`;
      try {
        await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: Key }));
      } catch {
        return; // the cloud is gone
      }
      acknowledged.add(Key);
    }
  });
  await until("many are put", () => acknowledged.size > 200);
  await cloud.kill();
  await Promise.all(putting);
  isOpen = true;
  await cloud.up();
  const keysTold = () =>
    new Set(told.flatMap(({ body }) => body.Records ?? []).map(({ s3 }) => s3.object.key));
  await until("all are told", () => keysTold().isSupersetOf(acknowledged));
  const tests = () => told.filter(({ body }) => !body.Records).length;
  // The first of all, so that it may have been tried most often, and wait longest.
  await until("the test event is told", () => tests() > 0);
  assert.equal(tests(), 1);
});
