import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { GetObjectTorrentCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/transport";
import { SignatureV4 } from "@smithy/signature-v4";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { sourceIpOf } from "./aws-call.ts";
import {
  accessKeyId,
  accountId,
  region,
  secretAccessKey,
  clientOptions,
  startAwsPort,
} from "./testing/aws-port.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
before(async () => {
  aws = await startAwsPort();
});
after(() => aws.stop());

test("a client of the SDK is told who it is", async () => {
  const client = new STSClient(clientOptions(aws.endpoint));
  const answer = await client.send(new GetCallerIdentityCommand({}));
  assert.equal(answer.Account, accountId);
  assert.equal(answer.Arn, `arn:aws:iam::${accountId}:root`);
  assert.match(answer.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
});

test("an operation that is not there is NotImplemented to clients of S3", async () => {
  const client = new S3Client(clientOptions(aws.endpoint));
  const torrent = new GetObjectTorrentCommand({ Bucket: "a-bucket", Key: "k" });
  await assert.rejects(client.send(torrent), { name: "NotImplemented" });
});

test("a body that drips is cut off with RequestTimeout, one that is only slow is not", async (t) => {
  const clock = new ManualClock(Date.now());
  const own = await startAwsPort({ clock });
  t.after(() => own.stop());
  const send = async () => {
    const socket = connect(own.port, "127.0.0.1");
    const head = [
      "POST / HTTP/1.1",
      "host: sts.localhost",
      "content-type: application/x-www-form-urlencoded",
      "content-length: 100000",
    ];
    socket.write(`${[...head, "expect: 100-continue"].join("\r\n")}\r\n\r\n`);
    await once(socket, "data"); // it may send
    return socket;
  };
  const [dripping, slow] = [await send(), await send()];
  let answer = "";
  dripping.on("data", (data: Buffer) => (answer += data.toString()));
  dripping.on("error", () => {}); // its last byte may come too late
  const isCut = new Promise((resolve) => void dripping.on("close", resolve));
  for (let turn = 0; turn < 4; turn++) {
    if (answer === "") dripping.write("x");
    slow.write("x".repeat(limits.bodyBytesMin));
    await new Promise((next) => setTimeout(next, 50));
    await clock.advance(limits.bodyLookMs);
    await new Promise((next) => setTimeout(next, 50));
  }
  await isCut;
  assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*<Code>RequestTimeout<\/Code>/);
  assert.equal(slow.destroyed || slow.readableEnded, false);
  slow.destroy();
});

test("who must not send is told so before the body is sent", async () => {
  const socket = connect(aws.port, "127.0.0.1");
  socket.write(
    "PUT /a-bucket/k HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n",
  );
  const [data] = (await once(socket, "data")) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 40[34] /);
  socket.destroy();
});

test("a call of the query protocol may be presigned, and is good for GetCallerIdentity alone", async () => {
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service: "sts",
    sha256: Sha256,
  });
  const { host, hostname, port } = new URL(aws.endpoint);
  const query = { Action: "GetCallerIdentity", Version: "2011-06-15" };
  const asked = {
    method: "GET",
    path: "/",
    query,
    hostname,
    port: Number(port),
    headers: { host },
  };
  const signed = await signer.presign(new HttpRequest(asked), { expiresIn: 60 });
  const parameters = new URLSearchParams(signed.query as Record<string, string>);
  const answer = await fetch(`${aws.endpoint}/?${parameters}`);
  assert.match(await answer.text(), new RegExp(`<Account>${accountId}</Account>`));
  parameters.set("Action", "GetSessionToken");
  const changed = await fetch(`${aws.endpoint}/?${parameters}`);
  assert.match(await changed.text(), /<Code>SignatureDoesNotMatch<\/Code>/);
});

test("a head that is too large, and what is no HTTP, end their own connection only", async () => {
  for (const text of [
    `GET / HTTP/1.1\r\nhost: x\r\n${`x-flood: ${"y".repeat(1000)}\r\n`.repeat(100)}\r\n`,
    "\u0000\u0001\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
  ]) {
    const socket = connect(aws.port, "127.0.0.1");
    socket.on("error", () => {});
    const closed = new Promise((resolve) => void socket.on("close", resolve));
    let answer = "";
    socket.on("data", (data: Buffer) => (answer += data.toString()));
    socket.write(text);
    await closed;
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
  }
  const client = new STSClient(clientOptions(aws.endpoint));
  assert.ok((await client.send(new GetCallerIdentityCommand({}))).Account);
});

test("a wrong secret is told in the words of each protocol", async () => {
  const wrong = {
    ...clientOptions(aws.endpoint),
    credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wrong" },
  };
  await assert.rejects(new STSClient(wrong).send(new GetCallerIdentityCommand({})), {
    name: "SignatureDoesNotMatch",
  });
  await assert.rejects(new S3Client(wrong).send(new ListBucketsCommand({})), {
    name: "SignatureDoesNotMatch",
  });
});

test("a signature that does not cover the host or what is asked for counts for nothing", async () => {
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service: "sqs",
    sha256: Sha256,
  });
  const { host, hostname, port } = new URL(aws.endpoint);
  const type = "application/x-amz-json-1.0";
  const target = { "x-amz-target": "AmazonSQS.ListQueues" };
  const asked = async (signed: Record<string, string>, added: Record<string, string>) => {
    const request = new HttpRequest({
      method: "POST",
      path: "/",
      hostname,
      port: Number(port),
      headers: { "content-type": type, ...signed },
      body: "{}",
    });
    const { headers } = await signer.sign(request);
    const answer = await fetch(aws.endpoint, {
      method: "POST",
      headers: { ...headers, ...added },
      body: "{}",
    });
    return answer.text();
  };
  assert.match(await asked({ host, ...target }, {}), /QueueUrls/);
  assert.match(await asked({ host }, target), /InvalidSignatureException.*x-amz-target/);
  assert.match(await asked(target, {}), /InvalidSignatureException.*'Host'/);
});

test("who went away came from nowhere", () => {
  const request = { socket: null } as unknown as IncomingMessage;
  assert.equal(sourceIpOf({}, request), "");
});
