import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import * as iam from "@aws-sdk/client-iam";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeFiles as files } from "#/base/node/files.ts";
import { Trail } from "#/trail/trail.ts";
import { accessKeyId, accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";

test("LookupEvents tells who made what, in pages, and nothing of messages", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-trail-"));
  const trail = await Trail.open(folder, { files, clock, log: silent });
  const aws = await startAwsPort({ trail });
  t.after(async () => {
    await aws.stop();
    await trail.close();
    await rm(folder, { recursive: true });
  });
  const sqs = new SQSClient(clientOptions(aws.endpoint));
  for (const QueueName of ["one", "two", "three"]) {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "secret" }));
  }
  await assert.rejects(sqs.send(new CreateQueueCommand({ QueueName: "not good" })));
  const client = new CloudTrailClient(clientOptions(aws.endpoint));
  const LookupAttributes = [{ AttributeKey: "EventName" as const, AttributeValue: "CreateQueue" }];
  const first = await client.send(new LookupEventsCommand({ LookupAttributes, MaxResults: 3 }));
  const { NextToken } = first;
  const rest = await client.send(new LookupEventsCommand({ LookupAttributes, NextToken }));
  const events = [...first.Events!, ...rest.Events!];
  assert.deepEqual(
    events.map(({ Resources }) => Resources![0]!.ResourceName!.split(":").at(-1)),
    ["not good", "three", "two", "one"],
  );
  const [failed, made] = events.map(
    ({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent!) as Record<string, unknown>,
  );
  assert.equal(failed!["errorCode"], "InvalidParameterValue");
  assert.equal(made!["sourceIPAddress"], "127.0.0.1");
  assert.deepEqual(made!["userIdentity"], {
    type: "Root",
    arn: `arn:aws:iam::${accountId}:root`,
    accountId,
    accessKeyId,
  });
  const all = await client.send(new LookupEventsCommand({}));
  assert.ok(!JSON.stringify(all.Events).includes("SendMessage"));
  const EventCategory = "insight" as const;
  assert.deepEqual((await client.send(new LookupEventsCommand({ EventCategory }))).Events, []);
  await assert.rejects(
    client.send(new LookupEventsCommand({ EventCategory: "other" as typeof EventCategory })),
    { name: "InvalidEventCategoryException" },
  );
  const data = await trail.find({ kind: "data", max: 10, operation: "SendMessage" });
  assert.equal(data.items.length, 3);
  await assert.rejects(client.send(new LookupEventsCommand({ NextToken: "x" })), {
    name: "InvalidNextTokenException",
  });
});

test("LookupEvents tells who is behind a role's session", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-trail-"));
  const trail = await Trail.open(folder, { files, clock, log: silent });
  const aws = await startAwsPort({ trail });
  t.after(async () => {
    await aws.stop();
    await trail.close();
    await rm(folder, { recursive: true });
  });
  const options = clientOptions(aws.endpoint);
  const root = new iam.IAMClient(options);
  const policy = (statement: object) =>
    JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow", ...statement } });
  const may = { PolicyName: "p", PolicyDocument: policy({ Action: "*", Resource: "*" }) };
  await root.send(new iam.CreateUserCommand({ UserName: "ann" }));
  await root.send(new iam.PutUserPolicyCommand({ UserName: "ann", ...may }));
  const { AccessKey } = await root.send(new iam.CreateAccessKeyCommand({ UserName: "ann" }));
  const trust = {
    Principal: { AWS: accountId },
    Action: ["sts:AssumeRole", "sts:SetSourceIdentity"],
  };
  const { Role } = await root.send(
    new iam.CreateRoleCommand({ RoleName: "maker", AssumeRolePolicyDocument: policy(trust) }),
  );
  await root.send(new iam.PutRolePolicyCommand({ RoleName: "maker", ...may }));
  const ann = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
  const { Credentials } = await new STSClient({ ...options, credentials: ann }).send(
    new AssumeRoleCommand({ RoleArn: Role!.Arn, RoleSessionName: "s1", SourceIdentity: "Ann" }),
  );
  const credentials = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
  await new SQSClient({ ...options, credentials }).send(new CreateQueueCommand({ QueueName: "q" }));
  const LookupAttributes = [{ AttributeKey: "EventName" as const, AttributeValue: "CreateQueue" }];
  const { Events } = await new CloudTrailClient(options).send(
    new LookupEventsCommand({ LookupAttributes }),
  );
  const { userIdentity } = JSON.parse(Events![0]!.CloudTrailEvent!) as Record<string, unknown>;
  assert.deepEqual(userIdentity, {
    type: "AssumedRole",
    arn: `arn:aws:sts::${accountId}:assumed-role/maker/s1`,
    accountId,
    accessKeyId: credentials.accessKeyId,
    sessionContext: { sourceIdentity: "Ann" },
  });
});
