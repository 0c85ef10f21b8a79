import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as iam from "@aws-sdk/client-iam";
import * as kms from "@aws-sdk/client-kms";
import * as sdk from "@aws-sdk/client-sts";
import { Identities } from "#/access/identities/identities.ts";
import { Signatures } from "#/access/signatures/verify.ts";
import { accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let root: iam.IAMClient;
let ann: { accessKeyId: string; secretAccessKey: string };
before(async () => {
  aws = await startAwsPort();
  root = new iam.IAMClient(clientOptions(aws.endpoint));
  ann = await newUser("ann");
  await allow("ann", "sts:*");
});
after(() => aws.stop());

const policyOf = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const allowing = (Action: string | string[]) =>
  policyOf({ Effect: "Allow", Action, Resource: "*" });
const fails = (promise: Promise<unknown>, name: string) => assert.rejects(promise, { name });

async function newUser(UserName: string) {
  await root.send(new iam.CreateUserCommand({ UserName }));
  const { AccessKey } = await root.send(new iam.CreateAccessKeyCommand({ UserName }));
  return {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
}

const allow = (UserName: string, action: string | string[]) =>
  root.send(
    new iam.PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument: allowing(action) }),
  );

async function newRole(RoleName: string, principal: object, may: string | string[], more = {}) {
  const trust = { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole", ...more };
  await root.send(
    new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policyOf(trust) }),
  );
  await root.send(
    new iam.PutRolePolicyCommand({ RoleName, PolicyName: "p", PolicyDocument: allowing(may) }),
  );
  return `arn:aws:iam::${accountId}:role/${RoleName}`;
}

type Keys = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
const optionsOf = (credentials: Keys) => ({ ...clientOptions(aws.endpoint), credentials });
const stsOf = (keys: Keys) => new sdk.STSClient(optionsOf(keys));
const iamOf = (keys: Keys) => new iam.IAMClient(optionsOf(keys));
const keysOf = ({ Credentials: one }: { Credentials?: sdk.Credentials | undefined }) => ({
  accessKeyId: one!.AccessKeyId!,
  secretAccessKey: one!.SecretAccessKey!,
  sessionToken: one!.SessionToken!,
});
const assume = (keys: Keys, RoleArn: string, more: Partial<sdk.AssumeRoleCommandInput> = {}) =>
  stsOf(keys).send(new sdk.AssumeRoleCommand({ RoleArn, RoleSessionName: "test", ...more }));

describe("AssumeRole", () => {
  it("gives keys of the role to whom its trust and their own policies let, until the role is gone", async () => {
    const role = await newRole("lister", { AWS: accountId }, ["iam:List*", "sts:*"]);
    const answer = await assume(ann, role);
    assert.equal(answer.AssumedRoleUser!.Arn, `arn:aws:sts::${accountId}:assumed-role/lister/test`);
    const keys = keysOf(answer);
    const { Arn, UserId } = await stsOf(keys).send(new sdk.GetCallerIdentityCommand({}));
    assert.equal(Arn, answer.AssumedRoleUser!.Arn);
    assert.match(UserId!, /^AROA[A-Z2-7]{16}:test$/);
    await iamOf(keys).send(new iam.ListUsersCommand({}));
    await fails(iamOf(keys).send(new iam.GetAccountSummaryCommand({})), "AccessDenied");
    await root.send(new iam.DeleteRolePolicyCommand({ RoleName: "lister", PolicyName: "p" }));
    await fails(iamOf(keys).send(new iam.ListUsersCommand({})), "AccessDenied");
    await root.send(new iam.DeleteRoleCommand({ RoleName: "lister" }));
    await fails(stsOf(keys).send(new sdk.GetCallerIdentityCommand({})), "InvalidClientTokenId");
    await newRole("lister", { AWS: accountId }, "iam:List*");
    await fails(stsOf(keys).send(new sdk.GetCallerIdentityCommand({})), "InvalidClientTokenId");
  });

  it("refuses whom the trust does not name, who may not, the account itself, and roles that are not there", async () => {
    const bob = await newUser("bob");
    const annOnly = { AWS: `arn:aws:iam::${accountId}:user/ann` };
    const role = await newRole("ann-only", annOnly, "iam:*");
    await assume(ann, role);
    await fails(assume(bob, role), "AccessDenied");
    await allow("bob", "sts:*");
    await fails(assume(bob, role), "AccessDenied");
    await fails(assume(ann, `${role}x`), "AccessDenied");
    await fails(assume(ann, "arn:aws:iam::999999999999:role/x"), "AccessDenied");
    await assert.rejects(
      new sdk.STSClient(clientOptions(aws.endpoint)).send(
        new sdk.AssumeRoleCommand({ RoleArn: role, RoleSessionName: "test" }),
      ),
      { name: "AccessDenied", message: "Roles may not be assumed by root accounts." },
    );
  });

  it("asks for the external id that the trust wants", async () => {
    const Condition = { StringEquals: { "sts:ExternalId": "42" } };
    const role = await newRole("external", { AWS: accountId }, "iam:*", { Condition });
    await fails(assume(ann, role), "AccessDenied");
    await assume(ann, role, { ExternalId: "42" });
  });

  it("bounds a session by the policies that it was asked with", async () => {
    const role = await newRole("wide", { AWS: accountId }, "iam:*");
    const keys = keysOf(await assume(ann, role, { Policy: allowing("iam:ListUsers") }));
    await iamOf(keys).send(new iam.ListUsersCommand({}));
    await assert.rejects(
      iamOf(keys).send(new iam.ListRolesCommand({})),
      /no session policy allows/,
    );
    const arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
    const others = keysOf(await assume(ann, role, { PolicyArns: [{ arn }] }));
    await fails(iamOf(others).send(new iam.ListUsersCommand({})), "AccessDenied");
    await fails(assume(ann, role, { Policy: "{" }), "MalformedPolicyDocumentException");
  });

  it("takes no tags that conditions on tags do not see", async () => {
    const Condition = { StringEquals: { "aws:RequestTag/team": "blue" } };
    const tagging = ["sts:AssumeRole", "sts:TagSession"];
    const trust = { Effect: "Allow", Principal: { AWS: accountId }, Action: tagging, Condition };
    const role = await newRole("tagged", { AWS: accountId }, "iam:*");
    await root.send(
      new iam.UpdateAssumeRolePolicyCommand({
        RoleName: "tagged",
        PolicyDocument: policyOf(trust),
      }),
    );
    const tagged = (...tags: [string, string][]) =>
      assume(ann, role, { Tags: tags.map(([Key, Value]) => ({ Key, Value })) });
    await tagged(["Team", "blue"]);
    await fails(tagged(["Team", "admin"]), "AccessDenied");
    await fails(tagged(["team", "blue"], ["Team", "admin"]), "InvalidInput");
    await fails(tagged(["team", "blue"], ["other", "*"]), "ValidationError");
  });

  it("keeps who is behind a session, if the trust lets it be said, in all sessions that come of it", async () => {
    const role = await newRole("sourced", { AWS: accountId }, ["iam:List*", "sts:*"]);
    const SourceIdentity = "Ann@Home";
    await fails(assume(ann, role, { SourceIdentity }), "AccessDenied");
    const trust = (Action: string[], more = {}) => ({
      RoleName: "sourced",
      PolicyDocument: policyOf({ Effect: "Allow", Principal: { AWS: accountId }, Action, ...more }),
    });
    const setting = ["sts:AssumeRole", "sts:SetSourceIdentity"];
    const Condition = { StringEquals: { "sts:SourceIdentity": SourceIdentity } };
    await root.send(new iam.UpdateAssumeRolePolicyCommand(trust(setting, { Condition })));
    await fails(assume(ann, role), "AccessDenied");
    await fails(assume(ann, role, { SourceIdentity: "bob" }), "AccessDenied");
    const answer = await assume(ann, role, { SourceIdentity });
    assert.equal(answer.SourceIdentity, SourceIdentity);
    const keys = keysOf(answer);
    await root.send(
      new iam.PutRolePolicyCommand({
        RoleName: "sourced",
        PolicyName: "p",
        PolicyDocument: policyOf(
          {
            Effect: "Allow",
            Action: "iam:ListRoles",
            Resource: "*",
            Condition: { StringEquals: { "aws:SourceIdentity": SourceIdentity } },
          },
          { Effect: "Allow", Action: "sts:*", Resource: "*" },
        ),
      }),
    );
    await iamOf(keys).send(new iam.ListRolesCommand({}));
    const next = await newRole("sourced-next", { AWS: accountId }, "iam:*");
    await fails(assume(keys, next), "AccessDenied");
    await root.send(
      new iam.UpdateAssumeRolePolicyCommand({ ...trust(setting), RoleName: "sourced-next" }),
    );
    await fails(assume(keys, next, { SourceIdentity: "bob" }), "AccessDenied");
    assert.equal((await assume(keys, next)).SourceIdentity, SourceIdentity);
    for (const wrong of ["a", "a b", "aws:ann"])
      await fails(assume(ann, next, { SourceIdentity: wrong }), "ValidationError");
  });

  it("refuses names and times that AWS refuses", async () => {
    const role = await newRole("short", { AWS: accountId }, "iam:*");
    await fails(assume(ann, role, { RoleSessionName: "a b" }), "ValidationError");
    await fails(assume(ann, role, { DurationSeconds: 60 }), "ValidationError");
    await assert.rejects(assume(ann, role, { DurationSeconds: 7200 }), /MaxSessionDuration set/);
    for (const arn of ["short", `arn:aws:iam::${accountId}:user/ann`])
      await fails(assume(ann, arn), "ValidationError");
  });
});

describe("sessions", () => {
  it("open nothing with another token, or without theirs", async () => {
    const role = await newRole("tokens", { AWS: accountId }, "iam:*");
    const [one, two] = [keysOf(await assume(ann, role)), keysOf(await assume(ann, role))];
    const who = (keys: Keys) => stsOf(keys).send(new sdk.GetCallerIdentityCommand({}));
    await who(one);
    await fails(who({ ...one, sessionToken: two.sessionToken }), "InvalidClientTokenId");
    await fails(
      who({ ...one, sessionToken: one.sessionToken.split("").toReversed().join("") }),
      "InvalidClientTokenId",
    );
    const { sessionToken: _none, ...bare } = one;
    await fails(who(bare), "InvalidClientTokenId");
    await fails(who({ ...ann, sessionToken: one.sessionToken }), "InvalidClientTokenId");
  });

  it("are known to a control plane that has just started, until they expire", async () => {
    const role = await newRole("restart", { AWS: accountId }, "iam:*");
    const keys = keysOf(await assume(ann, role, { DurationSeconds: 900 }));
    const { space, random } = aws.parts;
    const find = (lateMs: number) => {
      const clock = { now: () => aws.parts.clock.now() + lateMs };
      const identities = new Identities({ space, sealer: aws.sealer, clock, random });
      assert.ok(new Signatures({ credentials: identities, clock }));
      return identities.find(keys.accessKeyId, keys.sessionToken, "s3").principal;
    };
    assert.equal(find(0).name, "restart");
    assert.throws(() => find(901_000), { awsCode: "ExpiredToken" });
  });

  it("of GetSessionToken are who asked, but for IAM", async () => {
    await allow("ann", ["sts:*", "iam:*"]);
    const keys = keysOf(await stsOf(ann).send(new sdk.GetSessionTokenCommand({})));
    const { Arn } = await stsOf(keys).send(new sdk.GetCallerIdentityCommand({}));
    assert.equal(Arn, `arn:aws:iam::${accountId}:user/ann`);
    await assert.rejects(iamOf(keys).send(new iam.ListUsersCommand({})), /explicit deny/);
    await fails(stsOf(keys).send(new sdk.GetSessionTokenCommand({})), "AccessDenied");
  });

  it("of GetFederationToken may what their user may and their policy says, and nothing of IAM", async () => {
    await allow("ann", ["sts:*", "iam:*", "kms:List*"]);
    const ask = (Policy?: string) =>
      stsOf(ann).send(
        new sdk.GetFederationTokenCommand({ Name: "guest", ...(Policy && { Policy }) }),
      );
    const keys = keysOf(await ask(allowing(["kms:ListKeys", "kms:CreateKey", "iam:*"])));
    const { Arn } = await stsOf(keys).send(new sdk.GetCallerIdentityCommand({}));
    assert.equal(Arn, `arn:aws:sts::${accountId}:federated-user/guest`);
    const guest = new kms.KMSClient(optionsOf(keys));
    await guest.send(new kms.ListKeysCommand({}));
    await fails(guest.send(new kms.ListAliasesCommand({})), "AccessDeniedException");
    await fails(guest.send(new kms.CreateKeyCommand({})), "AccessDeniedException");
    await fails(iamOf(keys).send(new iam.CreateAccessKeyCommand({})), "AccessDenied");
    const none = new kms.KMSClient(optionsOf(keysOf(await ask())));
    await fails(none.send(new kms.ListKeysCommand({})), "AccessDeniedException");
  });

  it("of GetFederationToken for the account itself have no user, and so no keys of one", async () => {
    const own = new sdk.STSClient(clientOptions(aws.endpoint));
    const answer = await own.send(
      new sdk.GetFederationTokenCommand({ Name: "guest", Policy: allowing("*") }),
    );
    const keys = keysOf(answer);
    await new kms.KMSClient(optionsOf(keys)).send(new kms.ListKeysCommand({}));
    await fails(iamOf(keys).send(new iam.CreateAccessKeyCommand({})), "ValidationError");
  });
});

describe("GetAccessKeyInfo", () => {
  it("tells whose a key is", async () => {
    const ask = (AccessKeyId: string) =>
      stsOf(ann).send(new sdk.GetAccessKeyInfoCommand({ AccessKeyId }));
    assert.equal((await ask(ann.accessKeyId)).Account, accountId);
    await fails(ask("AKIAAAAAAAAAAAAAAAAA"), "ValidationError");
  });
});
