import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CreateRoleCommand } from "@aws-sdk/client-iam";
import {
  AddPermissionCommand,
  DeleteAliasCommand,
  CreateAliasCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetPolicyCommand,
  LambdaClient,
  ListFunctionsCommand,
  RemovePermissionCommand,
  UpdateFunctionConfigurationCommand,
  type AddPermissionCommandInput,
} from "@aws-sdk/client-lambda";
import { accountIdOf } from "#/model/account.ts";
import { accountId, clientOptions } from "../testing/aws-port.ts";
import { arnOf, role, startLambdaWorld, trusting } from "./testing/lambda-world.ts";

let world: Awaited<ReturnType<typeof startLambdaWorld>>;
before(async () => {
  world = await startLambdaWorld();
});
after(() => world.aws.stop());

const allow = (Action: string, Resource = "*") => ({ Effect: "Allow", Action, Resource });
const mayNot = { name: "AccessDeniedException" };

test("the role must be one that Lambda may assume, and that the caller may pass on", async () => {
  const { create, iam, user, client } = world;
  const cannot = {
    name: "InvalidParameterValueException",
    message: "The role defined for the function cannot be assumed by Lambda.",
  };
  await iam.send(
    new CreateRoleCommand({
      RoleName: "of-ec2",
      AssumeRolePolicyDocument: trusting({ Service: "ec2.amazonaws.com" }),
    }),
  );
  const named = (name: string) => `arn:aws:iam::${accountId}:role/${name}`;
  for (const Role of [named("of-ec2"), named("nothing"), named("runs")])
    await assert.rejects(create("of-role", { Role }), cannot, Role);
  const Role = role.replace(accountId, "000000000000");
  await assert.rejects(create("of-role", { Role }), { ...mayNot, message: /^Cross-account/ });
  await assert.rejects(create("of-role", {}, await user(allow("lambda:*"))), mayNot);
  const pass = allow("iam:PassRole", role);
  const toLambda = { StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" } };
  const may = await user(allow("lambda:*"), { ...pass, Condition: toLambda });
  assert.equal((await create("of-role", {}, may)).Role, role);
  const toEc2 = { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } };
  const other = await user(allow("lambda:*"), { ...pass, Condition: toEc2 });
  const change = new UpdateFunctionConfigurationCommand({ FunctionName: "of-role", Role: role });
  await assert.rejects(other.send(change), mayNot);
  await client.send(new DeleteFunctionCommand({ FunctionName: "of-role" }));
});

test("a user may do what policies say of a function, of its versions and of its tags", async () => {
  const { create, user } = world;
  await create("mine", { Publish: true, Tags: { team: "a" } });
  await create("yours", { Tags: { team: "b" } });
  const get = (who: LambdaClient, FunctionName: string, Qualifier?: string) =>
    who.send(new GetFunctionCommand({ FunctionName, Qualifier }));
  const plain = await user(allow("lambda:GetFunction", arnOf("mine")));
  await get(plain, "mine");
  await assert.rejects(get(plain, "mine", "1"), mayNot);
  await assert.rejects(get(plain, "yours"), mayNot);
  await assert.rejects(get(plain, "nothing"), mayNot);
  await assert.rejects(plain.send(new ListFunctionsCommand({})), mayNot);
  const versions = await user(allow("lambda:GetFunction", `${arnOf("mine")}:*`));
  await get(versions, "mine", "1");
  await assert.rejects(get(versions, "mine"), mayNot);
  const ofTeam = { StringEquals: { "aws:ResourceTag/team": "b" } };
  const tagged = await user({ ...allow("lambda:*"), Condition: ofTeam });
  await get(tagged, "yours");
  await assert.rejects(get(tagged, "mine"), mayNot);
  const { Code } = await get(plain, "mine");
  assert.equal((await fetch(Code!.Location!)).status, 200);
});

test("another account has functions of its own, and what it is allowed of others'", async () => {
  const { aws, create, client } = world;
  const { space } = aws.parts;
  const secret = "another secret that nobody has!";
  const project = space.commit((tx) => {
    const sealedSecret = aws.sealer.seal(secret, "access key AKIAOTHER");
    const spec = { sealedSecret, createdAt: 0, isActive: true };
    const about = { project: "other", status: {} };
    tx.put<"access-key">({ kind: "access-key", name: "AKIAOTHER", spec, ...about });
    const title = { title: "Other", weight: 1, createdAt: 0 };
    return tx.put<"project">({ kind: "project", name: "other", spec: title, ...about });
  }).value;
  const credentials = { accessKeyId: "AKIAOTHER", secretAccessKey: secret };
  const stranger = new LambdaClient({ ...clientOptions(aws.endpoint), credentials });
  await create("shared");
  assert.deepEqual((await stranger.send(new ListFunctionsCommand({}))).Functions, []);
  await assert.rejects(stranger.send(new GetFunctionCommand({ FunctionName: "shared" })), {
    name: "ResourceNotFoundException",
  });
  for (const FunctionName of [arnOf("shared"), arnOf("nothing")])
    for (const command of [GetFunctionCommand, DeleteFunctionCommand])
      await assert.rejects(stranger.send(new command({ FunctionName })), mayNot);
  const permission = {
    FunctionName: "shared",
    StatementId: "s",
    Action: "lambda:GetFunction",
    Principal: accountIdOf(project),
  };
  await client.send(new AddPermissionCommand(permission));
  const got = await stranger.send(new GetFunctionCommand({ FunctionName: arnOf("shared") }));
  assert.equal(got.Configuration!.FunctionName, "shared");
  const theirs = new DeleteFunctionCommand({ FunctionName: arnOf("shared") });
  await assert.rejects(stranger.send(theirs), mayNot);
});

test("statements are added to functions, versions and aliases, told, and taken away", async () => {
  const { client, create } = world;
  const FunctionName = "allows";
  await create(FunctionName, { Publish: true });
  await client.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1" }));
  const add = (more: Partial<AddPermissionCommandInput> = {}) =>
    client.send(
      new AddPermissionCommand({
        FunctionName,
        StatementId: "s3",
        Action: "lambda:InvokeFunction",
        Principal: "s3.amazonaws.com",
        ...more,
      }),
    );
  const { Statement } = await add({ SourceArn: "arn:aws:s3:::pictures", SourceAccount: accountId });
  const statement = {
    Sid: "s3",
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "lambda:InvokeFunction",
    Resource: arnOf(FunctionName),
    Condition: {
      StringEquals: { "AWS:SourceAccount": accountId },
      ArnLike: { "AWS:SourceArn": "arn:aws:s3:::pictures" },
    },
  };
  assert.deepEqual(JSON.parse(Statement!), statement);
  await assert.rejects(add(), { name: "ResourceConflictException" });
  for (const [more, name] of [
    [{ Principal: "nobody" }, "InvalidParameterValueException"],
    [{ Principal: "arn:aws:iam::1:root" }, "InvalidParameterValueException"],
    [{ Action: "s3:GetObject" }, "ValidationException"],
    [{ StatementId: "a b" }, "ValidationException"],
    [{ Qualifier: "$LATEST" }, "InvalidParameterValueException"],
    [{ Qualifier: "9" }, "ResourceNotFoundException"],
    [{ RevisionId: "old" }, "PreconditionFailedException"],
  ] as const)
    await assert.rejects(add({ StatementId: "t", ...more }), { name }, JSON.stringify(more));
  await add({ Qualifier: "live", Principal: "*" });
  await add({ Qualifier: "1" });
  const policy = async (Qualifier?: string) => {
    const got = await client.send(new GetPolicyCommand({ FunctionName, Qualifier }));
    return { ...got, Policy: JSON.parse(got.Policy!) as { Statement: { Resource: string }[] } };
  };
  assert.deepEqual((await policy()).Policy.Statement, [statement]);
  const ofAlias = await policy("live");
  assert.equal(ofAlias.Policy.Statement[0]!.Resource, `${arnOf(FunctionName)}:live`);
  const { RevisionId } = ofAlias;
  const removed = { FunctionName, StatementId: "s3", Qualifier: "live" };
  await assert.rejects(
    client.send(new RemovePermissionCommand({ ...removed, StatementId: "none" })),
    { name: "ResourceNotFoundException" },
  );
  await client.send(new RemovePermissionCommand({ ...removed, RevisionId }));
  await assert.rejects(policy("live"), { name: "ResourceNotFoundException" });
  await add({ Qualifier: "live" });
  await client.send(new DeleteAliasCommand({ FunctionName, Name: "live" }));
  await client.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1" }));
  await assert.rejects(policy("live"), { name: "ResourceNotFoundException" });
  let count = 0;
  await assert.rejects(
    (async () => {
      while (count < 200)
        await add({ StatementId: `many-${count++}`, SourceArn: `arn:aws:s3:::${"x".repeat(200)}` });
    })(),
    { name: "PolicyLengthExceededException" },
  );
  assert.ok(count > 10);
});
