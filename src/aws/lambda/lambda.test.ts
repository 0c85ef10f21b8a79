import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import {
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  PutFunctionConcurrencyCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { accountId } from "../testing/aws-port.ts";
import { ask } from "../testing/signed.ts";
import { arnOf, startLambdaWorld, zip } from "./testing/lambda-world.ts";

let world: Awaited<ReturnType<typeof startLambdaWorld>>;
before(async () => {
  world = await startLambdaWorld();
});
after(() => world.aws.stop());

test("a function is made, found by every form of its name, downloaded and deleted", async () => {
  const { client, create, aws } = world;
  const made = await create("first", {
    Environment: { Variables: { SECRET: "s3cret-ü" } },
    Tags: { team: "a" },
    Description: "d",
  });
  assert.equal(made.FunctionArn, arnOf("first"));
  assert.equal(made.CodeSha256, createHash("sha256").update(zip).digest("base64"));
  assert.deepEqual(
    [made.Version, made.MemorySize, made.Timeout, made.State, made.CodeSize, made.Description],
    ["$LATEST", 128, 3, "Active", zip.length, "d"],
  );
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 5 }, { FunctionName: "first" });
  for (const FunctionName of [
    "first",
    "first:$LATEST",
    "function:first",
    `${accountId}:function:first`,
    arnOf("first"),
    `${arnOf("first")}:$LATEST`,
  ]) {
    const { Configuration, Code, Tags } = await client.send(
      new GetFunctionCommand({ FunctionName }),
    );
    assert.deepEqual(Configuration!.Environment!.Variables, { SECRET: "s3cret-ü" });
    assert.deepEqual(Tags, { team: "a" });
    const downloaded = await fetch(Code!.Location!);
    assert.equal(downloaded.status, 200, FunctionName);
    assert.equal(downloaded.headers.get("content-type"), "application/zip");
    assert.deepEqual(Buffer.from(await downloaded.arrayBuffer()), zip);
    assert.equal((await fetch(Code!.Location!.replace("first", "second"))).status, 403);
  }
  const viaTls = await ask(aws.endpoint, {
    method: "GET",
    path: `/2015-03-31/functions/first`,
    headers: { "x-forwarded-proto": "https" },
    service: "lambda",
  });
  assert.match(viaTls.text, /"Location":"https:\/\/127\.0\.0\.1:\d+\/2015-03-31\/functions\//);
  const kept = JSON.stringify([...aws.parts.space.all("function")]);
  assert.ok(!kept.includes("s3cret") && !kept.includes("SECRET"));
  await assert.rejects(create("first"), {
    name: "ResourceConflictException",
    message: "Function already exist: first",
  });
  await client.send(new DeleteFunctionCommand({ FunctionName: "first" }));
  for (const FunctionName of ["first", "first:3", arnOf("first:live")])
    await assert.rejects(client.send(new GetFunctionCommand({ FunctionName })), {
      name: "ResourceNotFoundException",
      message: `Function not found: ${arnOf("first")}${/:(?:3|live)$/.exec(FunctionName)?.[0] ?? ""}`,
    });
});

test("errors are written as Lambda writes them", async () => {
  const { aws } = world;
  const of = (path: string) => ask(aws.endpoint, { method: "GET", path, service: "lambda" });
  const missing = await of("/2015-03-31/functions/nothing");
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get("x-amzn-errortype"), "ResourceNotFoundException");
  const said = JSON.parse(missing.text) as Record<string, string>;
  assert.deepEqual(
    [said["Type"], said["Message"]],
    ["User", `Function not found: ${arnOf("nothing")}`],
  );
  const elsewhere = arnOf("a").replace("us-east-1", "eu-west-1");
  const far = await of(`/2015-03-31/functions/${encodeURIComponent(elsewhere)}`);
  assert.match(far.text, /'eu-west-1' are not reachable in this region \('us-east-1'\)/);
  const bad = await of("/2015-03-31/functions/a%20b");
  assert.equal(bad.headers.get("x-amzn-errortype"), "ValidationException");
  assert.match(bad.text, /1 validation error detected: Value 'a b' at 'functionName' failed/);
  const two = await of("/2015-03-31/functions/a:1?Qualifier=2");
  assert.equal(two.headers.get("x-amzn-errortype"), "InvalidParameterValueException");
  assert.equal((await of("/2015-03-31/functions/")).status, 200);
});

test("settings out of bounds are refused by name, and those that are not there yet", async () => {
  const { create, client } = world;
  const validation = (member: string) => ({
    name: "ValidationException",
    message: new RegExp(`at '${member}' failed`),
  });
  const parameter = (message: RegExp) => ({ name: "InvalidParameterValueException", message });
  for (const [more, refused] of [
    [{ MemorySize: 64 }, validation("memorySize")],
    [{ MemorySize: 10_241 }, validation("memorySize")],
    [{ Timeout: 901 }, validation("timeout")],
    [{ Timeout: 0 }, validation("timeout")],
    [{ EphemeralStorage: { Size: 100 } }, validation("ephemeralStorage.size")],
    [{ Handler: "a b" }, validation("handler")],
    [{ Role: "admin" }, validation("role")],
    [{ Architectures: ["x86_64", "arm64"] }, validation("architectures")],
    [{ Environment: { Variables: { "1A": "" } } }, validation("environment.variables")],
    [{ Runtime: "cobol85" }, parameter(/^Value cobol85 at 'runtime' failed/)],
    [{ Runtime: undefined }, parameter(/^Runtime and Handler are mandatory/)],
    [{ Handler: undefined }, parameter(/^Runtime and Handler are mandatory/)],
    [{ Environment: { Variables: { AWS_REGION: "x" } } }, parameter(/request: AWS_REGION$/)],
    [{ Environment: { Variables: { AB: "x".repeat(4096) } } }, parameter(/4KB limit/)],
    [{ Layers: [`${arnOf("x")}:1`] }, parameter(/not have this yet: Layers\.$/)],
    [{ PackageType: "Image" }, parameter(/not have this yet: PackageType Image\.$/)],
    [{ Tags: { "aws:x": "y" } }, parameter(/reserved/)],
  ] as const)
    await assert.rejects(create("bounds", more as object), refused, JSON.stringify(more));
  await assert.rejects(create("x".repeat(65)), validation("functionName"));
  const made = await create("bounds", {
    MemorySize: 10_240,
    Timeout: 900,
    EphemeralStorage: { Size: 10_240 },
    Architectures: ["arm64"],
    VpcConfig: { SubnetIds: [] },
    TracingConfig: { Mode: "PassThrough" },
  });
  assert.deepEqual([made.MemorySize, made.Architectures], [10_240, ["arm64"]]);
  await client.send(new DeleteFunctionCommand({ FunctionName: "bounds" }));
});

test("what is changed is changed alone, under the revision that is expected", async () => {
  const { create, client } = world;
  const FunctionName = "changed";
  const made = await create(FunctionName, { Environment: { Variables: { ONE: "1" } } });
  const first = await client.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName,
      Timeout: 30,
      RevisionId: made.RevisionId,
    }),
  );
  assert.deepEqual([first.Timeout, first.MemorySize], [30, 128]);
  assert.deepEqual(first.Environment!.Variables, { ONE: "1" });
  const late = { FunctionName, Timeout: 31, RevisionId: made.RevisionId };
  await assert.rejects(client.send(new UpdateFunctionConfigurationCommand(late)), {
    name: "PreconditionFailedException",
  });
  await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: {} } }),
  );
  await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 5 }, { FunctionName });
  const now = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  assert.deepEqual([now.Environment, now.Timeout], [undefined, 30]);
  await client.send(new DeleteFunctionCommand({ FunctionName }));
});

test("lists go page by page", async () => {
  const { create, client } = world;
  for (const name of ["l-c", "l-a", "l-b"]) await create(name, { Publish: name === "l-a" });
  const names = async (asked: object) => {
    const { Functions, NextMarker } = await client.send(new ListFunctionsCommand(asked));
    return { names: Functions!.map((one) => `${one.FunctionName}:${one.Version}`), NextMarker };
  };
  const first = await names({ MaxItems: 2 });
  assert.deepEqual(first.names, ["l-a:$LATEST", "l-b:$LATEST"]);
  const second = await names({ Marker: first.NextMarker });
  assert.deepEqual(second, { names: ["l-c:$LATEST"], NextMarker: undefined });
  const all: string[] = [];
  for (let Marker: string | undefined; ;) {
    const { names: page, NextMarker } = await names({
      MaxItems: 1,
      FunctionVersion: "ALL",
      Marker,
    });
    all.push(...page);
    if ((Marker = NextMarker) === undefined) break;
  }
  assert.deepEqual(all, ["l-a:$LATEST", "l-a:1", "l-b:$LATEST", "l-c:$LATEST"]);
  await assert.rejects(client.send(new ListFunctionsCommand({ Marker: "?" })), {
    name: "InvalidParameterValueException",
  });
});

test("a reservation leaves a hundred calls for all others", async () => {
  const { create, client } = world;
  const FunctionName = "reserves";
  await create(FunctionName);
  const put = (ReservedConcurrentExecutions: number) =>
    client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
  assert.equal((await put(900)).ReservedConcurrentExecutions, 900);
  assert.equal((await put(900)).ReservedConcurrentExecutions, 900);
  await assert.rejects(put(901), { name: "InvalidParameterValueException", message: /\[100\]/ });
  const settings = await client.send(new GetAccountSettingsCommand({}));
  assert.equal(settings.AccountLimit!.UnreservedConcurrentExecutions, 100);
  assert.ok(settings.AccountUsage!.TotalCodeSize! >= zip.length);
  const got = await client.send(new GetFunctionCommand({ FunctionName }));
  assert.equal(got.Concurrency!.ReservedConcurrentExecutions, 900);
  const bad = { FunctionName: `${FunctionName}:1`, ReservedConcurrentExecutions: 1 };
  await assert.rejects(client.send(new PutFunctionConcurrencyCommand(bad)), {
    message: /permitted on Lambda functions only/,
  });
  await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  const now = await client.send(new GetFunctionConcurrencyCommand({ FunctionName }));
  assert.equal(now.ReservedConcurrentExecutions, undefined);
});

test("tags are put, listed and taken away by the ARN of the function alone", async () => {
  const { create, client } = world;
  await create("tagged", { Tags: { a: "1" } });
  const Resource = arnOf("tagged");
  await client.send(new TagResourceCommand({ Resource, Tags: { b: "ü", c: "" } }));
  await client.send(new UntagResourceCommand({ Resource, TagKeys: ["a", "none"] }));
  const { Tags } = await client.send(new ListTagsCommand({ Resource }));
  assert.deepEqual(Tags, { b: "ü", c: "" });
  await assert.rejects(client.send(new ListTagsCommand({ Resource: `${Resource}:1` })), {
    message: /versions are not supported/,
  });
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ""]));
  await assert.rejects(client.send(new TagResourceCommand({ Resource, Tags: many })), {
    name: "InvalidParameterValueException",
  });
});
