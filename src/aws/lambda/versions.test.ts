import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateAliasCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  ListAliasesCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type CreateAliasCommandInput,
} from "@aws-sdk/client-lambda";
import fc from "fast-check";
import { makeZip } from "#/functions/testing/make-zip.ts";
import { arnOf, startLambdaWorld, zip } from "./testing/lambda-world.ts";

let world: Awaited<ReturnType<typeof startLambdaWorld>>;
before(async () => {
  world = await startLambdaWorld();
});
after(() => world.aws.stop());

const other = makeZip([{ name: "index.mjs", content: "export const handler = async () => 2;" }]);

test("a version stays as it was published, and is the same while nothing changes", async () => {
  const { client, create } = world;
  const FunctionName = "versions";
  const made = await create(FunctionName, { Environment: { Variables: { AB: "1" } } });
  const publish = (more = {}) => client.send(new PublishVersionCommand({ FunctionName, ...more }));
  const first = await publish({ Description: "one", CodeSha256: made.CodeSha256 });
  assert.deepEqual(
    [first.Version, first.FunctionArn, first.Description],
    ["1", `${arnOf(FunctionName)}:1`, "one"],
  );
  assert.notEqual(first.RevisionId, made.RevisionId);
  assert.equal((await publish({ Description: "two" })).Version, "1");
  const same = { FunctionName, Environment: { Variables: { AB: "1" } } };
  await client.send(new UpdateFunctionConfigurationCommand(same));
  assert.equal((await publish()).Version, "1");
  const tried = { FunctionName, ZipFile: other, DryRun: true };
  const dry = await client.send(new UpdateFunctionCodeCommand(tried));
  assert.notEqual(dry.CodeSha256, made.CodeSha256);
  assert.equal((await publish()).Version, "1");
  const updated = await client.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: other, Publish: true }),
  );
  assert.deepEqual([updated.Version, updated.CodeSha256], ["2", dry.CodeSha256]);
  const old = await client.send(new GetFunctionCommand({ FunctionName: `${FunctionName}:1` }));
  assert.equal(old.Configuration!.CodeSha256, made.CodeSha256);
  const downloaded = await fetch(old.Code!.Location!);
  assert.deepEqual(Buffer.from(await downloaded.arrayBuffer()), zip);
  await assert.rejects(publish({ CodeSha256: made.CodeSha256 }), {
    name: "InvalidParameterValueException",
  });
  await assert.rejects(publish({ RevisionId: made.RevisionId }), {
    name: "PreconditionFailedException",
  });
  const stale = { FunctionName, ZipFile: zip, RevisionId: made.RevisionId };
  await assert.rejects(client.send(new UpdateFunctionCodeCommand(stale)), {
    name: "PreconditionFailedException",
  });
  const { Versions } = await client.send(new ListVersionsByFunctionCommand({ FunctionName }));
  assert.deepEqual(
    Versions!.map(({ Version }) => Version),
    ["$LATEST", "1", "2"],
  );
});

test("an alias leads to one version or to two, and holds them", async () => {
  const { client, create } = world;
  const FunctionName = "aliased";
  await create(FunctionName, { Publish: true });
  const update = { FunctionName, ZipFile: other, Publish: true };
  await client.send(new UpdateFunctionCodeCommand(update));
  const alias = (more: Partial<CreateAliasCommandInput>) =>
    client.send(
      new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1", ...more }),
    );
  const weights = (version: string, share: number) => ({
    RoutingConfig: { AdditionalVersionWeights: { [version]: share } },
  });
  for (const [more, name] of [
    [{ Name: "12" }, "ValidationException"],
    [{ FunctionVersion: "9" }, "ResourceNotFoundException"],
    [{ FunctionVersion: "live" }, "ValidationException"],
    [weights("1", 0.5), "InvalidParameterValueException"],
    [weights("2", 1.5), "ValidationException"],
    [weights("9", 0.5), "ResourceNotFoundException"],
    [{ FunctionVersion: "$LATEST", ...weights("2", 0.5) }, "InvalidParameterValueException"],
    [
      { RoutingConfig: { AdditionalVersionWeights: { 2: 0.1, 3: 0.1 } } },
      "InvalidParameterValueException",
    ],
  ] as const)
    await assert.rejects(alias(more), { name }, JSON.stringify(more));
  const made = await alias({ Description: "d", ...weights("2", 0.25) });
  assert.equal(made.AliasArn, `${arnOf(FunctionName)}:live`);
  assert.deepEqual(made.RoutingConfig, { AdditionalVersionWeights: { 2: 0.25 } });
  await assert.rejects(alias({}), { name: "ResourceConflictException" });
  const through = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName, Qualifier: "live" }),
  );
  assert.deepEqual([through.Version, through.FunctionArn], ["1", `${arnOf(FunctionName)}:live`]);
  for (const Qualifier of ["1", "2"])
    await assert.rejects(client.send(new DeleteFunctionCommand({ FunctionName, Qualifier })), {
      name: "ResourceConflictException",
      message: /aliases pointing to it: \[live\]/,
    });
  const Name = "live";
  const moved = await client.send(
    new UpdateAliasCommand({
      FunctionName,
      Name,
      FunctionVersion: "2",
      RoutingConfig: {},
      RevisionId: made.RevisionId,
    }),
  );
  assert.deepEqual(
    [moved.FunctionVersion, moved.RoutingConfig, moved.Description],
    ["2", undefined, "d"],
  );
  const late = { FunctionName, Name, RevisionId: made.RevisionId };
  await assert.rejects(client.send(new UpdateAliasCommand(late)), {
    name: "PreconditionFailedException",
  });
  await client.send(new DeleteFunctionCommand({ FunctionName, Qualifier: "1" }));
  await assert.rejects(client.send(new GetFunctionCommand({ FunctionName, Qualifier: "1" })), {
    name: "ResourceNotFoundException",
  });
  await alias({ Name: "beta", FunctionVersion: "$LATEST" });
  const { Aliases } = await client.send(
    new ListAliasesCommand({ FunctionName, FunctionVersion: "2" }),
  );
  assert.deepEqual(
    Aliases!.map((one) => one.Name),
    [Name],
  );
  await client.send(new DeleteAliasCommand({ FunctionName, Name }));
  await client.send(new DeleteAliasCommand({ FunctionName, Name }));
  await assert.rejects(client.send(new GetAliasCommand({ FunctionName, Name })), {
    name: "ResourceNotFoundException",
    message: `Cannot find alias arn: ${arnOf(FunctionName)}:live`,
  });
});

test("numbers of versions only grow, whatever is published and deleted", async () => {
  const { client, create } = world;
  const FunctionName = "numbers";
  await create(FunctionName);
  let newest = 0;
  let timeout = 3;
  const steps = fc.array(fc.constantFrom("publish", "change", "delete"), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      for (const step of all) {
        if (step === "change") {
          timeout = (timeout % 900) + 1;
          const change = { FunctionName, Timeout: timeout };
          await client.send(new UpdateFunctionConfigurationCommand(change));
        } else if (step === "publish") {
          const made = await client.send(new PublishVersionCommand({ FunctionName }));
          assert.equal(made.Timeout, timeout);
          assert.ok(Number(made.Version) === newest || Number(made.Version) === newest + 1);
          newest = Number(made.Version);
        } else if (newest > 0) {
          const Qualifier = String(newest);
          await client
            .send(new DeleteFunctionCommand({ FunctionName, Qualifier }))
            .catch((thrown: Error) => assert.equal(thrown.name, "ResourceNotFoundException"));
        }
      }
    }),
    { numRuns: 8 },
  );
});
