import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  AccountClient,
  EnableRegionCommand,
  GetAccountInformationCommand,
  ListRegionsCommand,
  PutAccountNameCommand,
} from "@aws-sdk/client-account";
import { accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";
import { ask } from "../testing/signed.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let client: AccountClient;
before(async () => {
  aws = await startAwsPort();
  client = new AccountClient(clientOptions(aws.endpoint));
});
after(() => aws.stop());

test("an account tells its number and its name, which can be changed", async () => {
  await client.send(new PutAccountNameCommand({ AccountName: "Lectures" }));
  const told = await client.send(new GetAccountInformationCommand({}));
  assert.equal(told.AccountId, accountId);
  assert.equal(told.AccountName, "Lectures");
  assert.ok(told.AccountCreatedDate instanceof Date);
  assert.deepEqual((await client.send(new ListRegionsCommand({}))).Regions, [
    { RegionName: "us-east-1", RegionOptStatus: "ENABLED_BY_DEFAULT" },
  ]);
});

test("restJson says what is wrong in its own way", async () => {
  await assert.rejects(
    client.send(new GetAccountInformationCommand({ AccountId: "000000000000" })),
    { name: "AccessDeniedException" },
  );
  await assert.rejects(client.send(new PutAccountNameCommand({ AccountName: "<b>" })), {
    name: "ValidationException",
  });
  await assert.rejects(client.send(new EnableRegionCommand({ RegionName: "eu-1" })), {
    name: "UnknownOperationException",
  });
  for (const [body, type] of [
    ["{", "SerializationException"],
    ["[]", "SerializationException"],
    ['{"AccountName":1}', "SerializationException"],
    ["{}", "ValidationException"],
  ] as const) {
    const answer = await ask(aws.endpoint, { service: "account", path: "/putAccountName", body });
    assert.equal(answer.headers.get("x-amzn-errortype"), type, body);
    assert.equal(answer.status, 400);
  }
  const nowhere = await ask(aws.endpoint, { service: "account", path: "/nothing", body: "{}" });
  assert.equal(nowhere.status, 404);
});
