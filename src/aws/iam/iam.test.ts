import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as sdk from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { accountId, clientOptions, startAwsPort } from "../testing/aws-port.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let root: sdk.IAMClient;
before(async () => {
  aws = await startAwsPort();
  root = new sdk.IAMClient(clientOptions(aws.endpoint));
});
after(() => aws.stop());

const allow = (Action: string | string[], Resource = "*", more: object = {}) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action, Resource, ...more }],
  });
const trust = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: accountId }, Action: "sts:AssumeRole" }],
});

const fails = (promise: Promise<unknown>, name: string) => assert.rejects(promise, { name });

/** A user with a key, and clients that sign with it. */
async function withUser(UserName: string) {
  await root.send(new sdk.CreateUserCommand({ UserName }));
  const { AccessKey } = await root.send(new sdk.CreateAccessKeyCommand({ UserName }));
  const credentials = {
    accessKeyId: AccessKey!.AccessKeyId!,
    secretAccessKey: AccessKey!.SecretAccessKey!,
  };
  const options = { ...clientOptions(aws.endpoint), credentials };
  return { iam: new sdk.IAMClient(options), sts: new STSClient(options), credentials };
}

describe("users", () => {
  it("are made, read, tagged, renamed and removed, once nothing is left of theirs", async () => {
    const { User } = await root.send(
      new sdk.CreateUserCommand({
        UserName: "Zoe",
        Path: "/lab/",
        Tags: [{ Key: "a", Value: "1" }],
      }),
    );
    assert.equal(User!.Arn, `arn:aws:iam::${accountId}:user/lab/Zoe`);
    assert.match(User!.UserId!, /^AIDA[A-Z2-7]{16}$/);
    await fails(
      root.send(new sdk.CreateUserCommand({ UserName: "zoe" })),
      "EntityAlreadyExistsException",
    );
    await fails(root.send(new sdk.CreateUserCommand({ UserName: "a/b" })), "ValidationError");
    await root.send(new sdk.TagUserCommand({ UserName: "Zoe", Tags: [{ Key: "A", Value: "2" }] }));
    const got = await root.send(new sdk.GetUserCommand({ UserName: "ZOE" }));
    assert.deepEqual(got.User!.Tags, [{ Key: "A", Value: "2" }]);
    await root.send(new sdk.CreateAccessKeyCommand({ UserName: "Zoe" }));
    await aws.parts.space.commit((tx) =>
      tx.put<"key">({
        kind: "key",
        project: "default",
        name: "default/k1",
        spec: { title: "hers", role: "admin", user: "zoe", digest: "d", createdAt: 0 },
        status: {},
      }),
    ).durable;
    await root.send(
      new sdk.UpdateUserCommand({ UserName: "Zoe", NewUserName: "Ann", NewPath: "/" }),
    );
    const keys = await root.send(new sdk.ListAccessKeysCommand({ UserName: "Ann" }));
    assert.equal(keys.AccessKeyMetadata!.length, 1);
    await fails(
      root.send(new sdk.DeleteUserCommand({ UserName: "Ann" })),
      "DeleteConflictException",
    );
    const [{ AccessKeyId }] = keys.AccessKeyMetadata as [{ AccessKeyId: string }];
    await root.send(new sdk.DeleteAccessKeyCommand({ UserName: "Ann", AccessKeyId }));
    assert.equal(aws.parts.space.get("key", "default/k1")!.spec.user, "Ann");
    await root.send(new sdk.DeleteUserCommand({ UserName: "Ann" }));
    assert.equal(aws.parts.space.get("key", "default/k1"), undefined);
    await fails(root.send(new sdk.GetUserCommand({ UserName: "Ann" })), "NoSuchEntityException");
  });

  it("are listed in pages by path", async () => {
    for (const name of ["p1", "p2", "p3"])
      await root.send(new sdk.CreateUserCommand({ UserName: name, Path: "/paged/" }));
    const names: string[] = [];
    for await (const page of sdk.paginateListUsers(
      { client: root, pageSize: 2 },
      { PathPrefix: "/paged/" },
    ))
      names.push(...page.Users!.map(({ UserName }) => UserName!));
    assert.deepEqual(names, ["p1", "p2", "p3"]);
    await fails(root.send(new sdk.ListUsersCommand({ Marker: "?" })), "ValidationError");
  });

  it("may do what their policies say, from the moment that these are there, and until they are gone", async () => {
    const { iam, sts } = await withUser("bob");
    const UserName = "bob";
    assert.equal(
      (await sts.send(new GetCallerIdentityCommand({}))).Arn,
      `arn:aws:iam::${accountId}:user/bob`,
    );
    await assert.rejects(iam.send(new sdk.ListUsersCommand({})), {
      name: "AccessDenied",
      message: `User: arn:aws:iam::${accountId}:user/bob is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::${accountId}:user/ because no identity-based policy allows the iam:ListUsers action`,
    });
    await root.send(
      new sdk.PutUserPolicyCommand({
        UserName,
        PolicyName: "list",
        PolicyDocument: allow("iam:ListUsers"),
      }),
    );
    await iam.send(new sdk.ListUsersCommand({}));
    const { PolicyDocument } = await root.send(
      new sdk.GetUserPolicyCommand({ UserName, PolicyName: "list" }),
    );
    assert.equal(decodeURIComponent(PolicyDocument!), allow("iam:ListUsers"));
    const self = allow("iam:*", `arn:aws:iam::${accountId}:user/\${aws:username}`);
    await root.send(
      new sdk.PutUserPolicyCommand({ UserName, PolicyName: "own", PolicyDocument: self }),
    );
    assert.equal((await iam.send(new sdk.GetUserCommand({}))).User!.UserName, "bob");
    await fails(iam.send(new sdk.GetUserCommand({ UserName: "p1" })), "AccessDenied");
    await root.send(
      new sdk.AttachUserPolicyCommand({
        UserName,
        PolicyArn: "arn:aws:iam::aws:policy/IAMFullAccess",
      }),
    );
    await iam.send(new sdk.GetUserCommand({ UserName: "p1" }));
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    await root.send(
      new sdk.PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary: PolicyArn }),
    );
    await assert.rejects(iam.send(new sdk.GetUserCommand({})), /no permissions boundary allows/);
    await root.send(new sdk.DeleteUserPermissionsBoundaryCommand({ UserName }));
    await iam.send(new sdk.GetUserCommand({}));
  });

  it("have two keys at most, and one that is off or removed opens nothing", async () => {
    const { sts, credentials } = await withUser("carl");
    const UserName = "carl";
    const AccessKeyId = credentials.accessKeyId;
    const used = () => root.send(new sdk.GetAccessKeyLastUsedCommand({ AccessKeyId }));
    assert.equal((await used()).AccessKeyLastUsed!.ServiceName, "N/A");
    await sts.send(new GetCallerIdentityCommand({}));
    assert.equal((await used()).AccessKeyLastUsed!.ServiceName, "sts");
    assert.equal((await used()).UserName, "carl");
    await root.send(new sdk.CreateAccessKeyCommand({ UserName }));
    await fails(root.send(new sdk.CreateAccessKeyCommand({ UserName })), "LimitExceededException");
    await root.send(new sdk.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: "Inactive" }));
    await fails(sts.send(new GetCallerIdentityCommand({})), "InvalidClientTokenId");
    await root.send(new sdk.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: "Active" }));
    await sts.send(new GetCallerIdentityCommand({}));
    await root.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    await fails(sts.send(new GetCallerIdentityCommand({})), "InvalidClientTokenId");
  });
});

describe("policies", () => {
  it("are refused when they are none, as IAM refuses them", async () => {
    const put = (PolicyDocument: string) =>
      root.send(new sdk.CreatePolicyCommand({ PolicyName: "bad", PolicyDocument }));
    await fails(put("{"), "MalformedPolicyDocumentException");
    await fails(put(allow("GetObject")), "MalformedPolicyDocumentException");
    await fails(
      put(allow("s3:GetObject", "*", { Principal: "*" })),
      "MalformedPolicyDocumentException",
    );
    await fails(
      put(allow("s3:GetObject", `arn:aws:s3:::${"x".repeat(7000)}`)),
      "LimitExceededException",
    );
  });

  it("have versions, of which one counts", async () => {
    const { iam } = await withUser("dora");
    const { Policy } = await root.send(
      new sdk.CreatePolicyCommand({ PolicyName: "versions", PolicyDocument: allow("s3:Get*") }),
    );
    const PolicyArn = Policy!.Arn!;
    await root.send(new sdk.AttachUserPolicyCommand({ UserName: "dora", PolicyArn }));
    await fails(iam.send(new sdk.ListRolesCommand({})), "AccessDenied");
    const { PolicyVersion } = await root.send(
      new sdk.CreatePolicyVersionCommand({
        PolicyArn,
        PolicyDocument: allow("iam:*"),
        SetAsDefault: true,
      }),
    );
    assert.equal(PolicyVersion!.VersionId, "v2");
    await iam.send(new sdk.ListRolesCommand({}));
    await root.send(new sdk.SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: "v1" }));
    await fails(iam.send(new sdk.ListRolesCommand({})), "AccessDenied");
    const { Versions } = await root.send(new sdk.ListPolicyVersionsCommand({ PolicyArn }));
    assert.deepEqual(
      Versions!.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion]),
      [
        ["v2", false],
        ["v1", true],
      ],
    );
    await fails(
      root.send(new sdk.DeletePolicyVersionCommand({ PolicyArn, VersionId: "v1" })),
      "DeleteConflictException",
    );
    await fails(root.send(new sdk.DeletePolicyCommand({ PolicyArn })), "DeleteConflictException");
    const entities = await root.send(new sdk.ListEntitiesForPolicyCommand({ PolicyArn }));
    assert.equal(entities.PolicyUsers![0]!.UserName, "dora");
    await root.send(new sdk.DetachUserPolicyCommand({ UserName: "dora", PolicyArn }));
    await root.send(new sdk.DeletePolicyVersionCommand({ PolicyArn, VersionId: "v2" }));
    await root.send(new sdk.DeletePolicyCommand({ PolicyArn }));
    await fails(root.send(new sdk.GetPolicyCommand({ PolicyArn })), "NoSuchEntityException");
  });

  it("of AWS are there, and cannot be changed", async () => {
    const PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    const { Policy } = await root.send(new sdk.GetPolicyCommand({ PolicyArn }));
    assert.equal(Policy!.PolicyName, "ReadOnlyAccess");
    await fails(root.send(new sdk.DeletePolicyCommand({ PolicyArn })), "AccessDenied");
    const { Policies } = await root.send(new sdk.ListPoliciesCommand({ Scope: "AWS" }));
    assert.ok(Policies!.some(({ Arn }) => Arn === PolicyArn));
  });
});

describe("groups and roles", () => {
  it("give their policies to who is in them", async () => {
    const { iam } = await withUser("emma");
    const GroupName = "admins";
    await root.send(new sdk.CreateGroupCommand({ GroupName }));
    await root.send(new sdk.AddUserToGroupCommand({ GroupName, UserName: "emma" }));
    const PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";
    await root.send(new sdk.AttachGroupPolicyCommand({ GroupName, PolicyArn }));
    assert.equal(
      (await iam.send(new sdk.GetGroupCommand({ GroupName }))).Users![0]!.UserName,
      "emma",
    );
    await root.send(new sdk.UpdateGroupCommand({ GroupName, NewGroupName: "operators" }));
    const { Groups } = await iam.send(new sdk.ListGroupsForUserCommand({ UserName: "emma" }));
    assert.deepEqual(
      Groups!.map((one) => one.GroupName),
      ["operators"],
    );
    await root.send(
      new sdk.RemoveUserFromGroupCommand({ GroupName: "operators", UserName: "emma" }),
    );
    await fails(iam.send(new sdk.ListGroupsCommand({})), "AccessDenied");
    await fails(
      root.send(new sdk.DeleteGroupCommand({ GroupName: "operators" })),
      "DeleteConflictException",
    );
  });

  it("are made with a policy that says who may assume them", async () => {
    const RoleName = "worker";
    const { Role } = await root.send(
      new sdk.CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: trust,
        MaxSessionDuration: 7200,
      }),
    );
    assert.equal(decodeURIComponent(Role!.AssumeRolePolicyDocument!), trust);
    assert.equal(Role!.MaxSessionDuration, 7200);
    await fails(
      root.send(
        new sdk.CreateRoleCommand({
          RoleName: "bad",
          AssumeRolePolicyDocument: allow("sts:AssumeRole"),
        }),
      ),
      "MalformedPolicyDocumentException",
    );
    await root.send(
      new sdk.PutRolePolicyCommand({ RoleName, PolicyName: "one", PolicyDocument: allow("s3:*") }),
    );
    await fails(root.send(new sdk.DeleteRoleCommand({ RoleName })), "DeleteConflictException");
    await root.send(new sdk.DeleteRolePolicyCommand({ RoleName, PolicyName: "one" }));
    await root.send(new sdk.DeleteRoleCommand({ RoleName }));
  });
});

describe("instance profiles", () => {
  it("have one role, which cannot be removed meanwhile", async () => {
    const [InstanceProfileName, RoleName] = ["machines", "machine-role"];
    await root.send(new sdk.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
    await root.send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName }));
    const both = { InstanceProfileName, RoleName };
    await root.send(new sdk.AddRoleToInstanceProfileCommand(both));
    await fails(root.send(new sdk.AddRoleToInstanceProfileCommand(both)), "LimitExceededException");
    const got = await root.send(new sdk.GetInstanceProfileCommand({ InstanceProfileName }));
    assert.equal(got.InstanceProfile!.Roles![0]!.RoleName, RoleName);
    const { InstanceProfiles } = await root.send(
      new sdk.ListInstanceProfilesForRoleCommand({ RoleName }),
    );
    assert.equal(InstanceProfiles![0]!.InstanceProfileName, InstanceProfileName);
    await fails(root.send(new sdk.DeleteRoleCommand({ RoleName })), "DeleteConflictException");
    const remove = () => root.send(new sdk.DeleteInstanceProfileCommand({ InstanceProfileName }));
    await fails(remove(), "DeleteConflictException");
    await root.send(new sdk.RemoveRoleFromInstanceProfileCommand(both));
    await remove();
    await root.send(new sdk.DeleteRoleCommand({ RoleName }));
    const { InstanceProfiles: left } = await root.send(new sdk.ListInstanceProfilesCommand({}));
    assert.deepEqual(left, []);
  });
});

describe("the account", () => {
  it("refuses to simulate more than one call may ask for", async () => {
    const many = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, at) => `${prefix}${at}`);
    const asked = (actions: number, resources: number, policies = 1) =>
      root.send(
        new sdk.SimulateCustomPolicyCommand({
          PolicyInputList: Array.from({ length: policies }, () => allow("s3:*", "*")),
          ActionNames: many("s3:A", actions),
          ResourceArns: many("arn:aws:s3:::b", resources),
          MaxItems: 10,
        }),
      );
    assert.equal((await asked(100, 100)).EvaluationResults!.length, 10);
    await assert.rejects(asked(101, 100), { name: "ValidationError" });
    await assert.rejects(asked(1, 1, 2000), { name: "ValidationError" });
  });

  it("is summed up, and its policies can be simulated", async () => {
    const { SummaryMap } = await root.send(new sdk.GetAccountSummaryCommand({}));
    assert.ok(SummaryMap!["Users"]! > 0);
    const custom = await root.send(
      new sdk.SimulateCustomPolicyCommand({
        PolicyInputList: [allow("s3:GetObject", "arn:aws:s3:::b/*")],
        ActionNames: ["s3:GetObject", "s3:PutObject"],
        ResourceArns: ["arn:aws:s3:::b/k"],
      }),
    );
    assert.deepEqual(
      custom.EvaluationResults!.map(({ EvalDecision }) => EvalDecision),
      ["allowed", "implicitDeny"],
    );
    const principal = await root.send(
      new sdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: `arn:aws:iam::${accountId}:user/bob`,
        ActionNames: ["iam:ListUsers", "s3:GetObject"],
      }),
    );
    assert.deepEqual(
      principal.EvaluationResults!.map(({ EvalDecision }) => EvalDecision),
      ["allowed", "implicitDeny"],
    );
  });

  it("tells all that says who may do what, in pages or of some kinds", async () => {
    const names: string[] = [];
    for await (const page of sdk.paginateGetAccountAuthorizationDetails(
      { client: root, pageSize: 3 },
      {},
    ))
      names.push(...page.UserDetailList!.map(({ UserName }) => UserName!));
    const { Users } = await root.send(new sdk.ListUsersCommand({}));
    assert.deepEqual(
      names,
      Users!.map(({ UserName }) => UserName),
    );
    const { UserDetailList, GroupDetailList } = await root.send(
      new sdk.GetAccountAuthorizationDetailsCommand({ Filter: ["User"] }),
    );
    assert.deepEqual(GroupDetailList ?? [], []);
    const bob = UserDetailList!.find(({ UserName }) => UserName === "bob")!;
    assert.deepEqual(
      bob.UserPolicyList!.map(({ PolicyName }) => PolicyName),
      ["list", "own"],
    );
    assert.equal(bob.AttachedManagedPolicies![0]!.PolicyName, "IAMFullAccess");
  });

  it("has nothing to log in with", async () => {
    await fails(
      root.send(new sdk.CreateLoginProfileCommand({ UserName: "bob", Password: "x" })),
      "InvalidAction",
    );
  });
});
