import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeFiles as files } from "#/base/node/files.ts";
import { Trail } from "#/trail/trail.ts";
import { startAwsPort } from "./testing/aws-port.ts";
import { ask } from "./testing/signed.ts";

let folder: string;
let trail: Trail;
let aws: Awaited<ReturnType<typeof startAwsPort>>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "canopy-absent-"));
  trail = await Trail.open(folder, { files, clock, log: silent });
  aws = await startAwsPort({ trail });
});
after(async () => {
  await aws.stop();
  await trail.close();
  await rm(folder, { recursive: true });
});

const form = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
const json = {
  "content-type": "application/x-amz-json-1.0",
  "x-amz-target": "DynamoDB_20120810.ListTables",
};

test("a service that is not here says so in JSON to who asks in JSON", async () => {
  const { status, text, headers } = await ask(aws.endpoint, {
    service: "dynamodb",
    headers: json,
    body: "{}",
  });
  assert.equal(status, 400);
  assert.equal(headers.get("content-type"), "application/x-amz-json-1.0");
  assert.equal(headers.get("x-amzn-errortype"), "UnknownOperationException");
  assert.match(headers.get("x-amzn-requestid") ?? "", /^[0-9a-f-]{36}$/);
  const { __type, message } = JSON.parse(text) as Record<string, string>;
  assert.equal(__type, "UnknownOperationException");
  assert.match(message!, /'ListTables' is not known: there is no service 'dynamodb'/);
  const unsigned = await fetch(aws.endpoint, { method: "POST", headers: json, body: "{}" });
  assert.match(await unsigned.text(), /"__type":"UnknownOperationException".*'dynamodb'/);
});

test("a service that is not here says so as queries are answered to who asks by a form or an address", async () => {
  const query = "Action=ListTopics&Version=2010-03-31";
  const answers = [
    await ask(aws.endpoint, { service: "sns", headers: form, body: query }),
    await ask(aws.endpoint, { service: "sns", method: "GET", path: `/?${query}` }),
  ];
  const unsigned = await fetch(aws.endpoint, { method: "POST", headers: form, body: query });
  for (const { status, text } of [
    ...answers,
    { status: unsigned.status, text: await unsigned.text() },
  ]) {
    assert.equal(status, 400);
    assert.match(text, /^<ErrorResponse[^>]*><Error><Type>Sender<\/Type><Code>InvalidAction</);
    assert.match(text, /The action ListTopics is not valid/);
  }
});

test("a service that is not here says so in JSON or XML to who asks by methods and addresses", async () => {
  const schedules = { service: "scheduler", method: "GET", path: "/schedules" };
  const { status, text, headers } = await ask(aws.endpoint, schedules);
  assert.deepEqual(
    [status, headers.get("x-amzn-errortype"), headers.get("content-type")],
    [404, "UnknownOperationException", "application/json"],
  );
  assert.match((JSON.parse(text) as { message: string }).message, /no service 'scheduler'/);
  const route53 = { service: "route53", method: "GET", path: "/2013-04-01/hostedzone" };
  const xml = await ask(aws.endpoint, route53);
  assert.equal(xml.status, 501);
  assert.match(xml.text, /<Error><Code>NotImplemented<\/Code><Message>[^<]*'route53'/);
});

test("a signature that is none is refused for a service that is not here too", async () => {
  const authorization =
    "AWS4-HMAC-SHA256 Credential=AKIANOBODYNOBODYNOBO/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00";
  const answer = await fetch(aws.endpoint, {
    method: "POST",
    headers: { ...json, authorization },
    body: "{}",
  });
  assert.match(await answer.text(), /"__type":"AccessDeniedException".*x-amz-date/);
});

test("the trail has what was asked for under its name, even where no such operation is", async () => {
  const ec2 = { service: "ec2", headers: form, body: "Action=CreateFleet&Version=2016-11-15" };
  assert.match((await ask(aws.endpoint, ec2)).text, /<Code>InvalidAction</);
  const asked = { kind: "management", max: 10 } as const;
  const [run] = (await trail.find({ ...asked, operation: "CreateFleet" })).items;
  assert.deepEqual([run?.service, run?.error, run?.isRead], ["ec2", "InvalidAction", false]);
  await ask(aws.endpoint, { service: "dynamodb", headers: json, body: "{}" });
  const [list] = (await trail.find({ ...asked, operation: "ListTables" })).items;
  assert.deepEqual([list?.service, list?.isRead], ["dynamodb", true]);
  const { items } = await trail.find({ ...asked, operation: "POST" });
  assert.deepEqual(items, []);
});
