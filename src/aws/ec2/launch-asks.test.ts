import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AttachVolumeCommand,
  CreateDefaultVpcCommand,
  CreateImageCommand,
  CreateKeyPairCommand,
  CreateLaunchTemplateCommand,
  CreatePlacementGroupCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DetachVolumeCommand,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
} from "@aws-sdk/client-iam";
import { accountId, clientOptions } from "../testing/aws-port.ts";
import { userWith } from "./testing/user-with.ts";
import { startEc2, type Ec2World } from "./testing/world.ts";

let world: Ec2World;
let launch: ConstructorParameters<typeof RunInstancesCommand>[0];
before(async () => {
  world = await startEc2();
  const { client } = world;
  await client.send(new CreateDefaultVpcCommand({}));
  await client.send(new CreateKeyPairCommand({ KeyName: "key" }));
  await client.send(new CreatePlacementGroupCommand({ GroupName: "near", Strategy: "cluster" }));
  await client.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: "template",
      LaunchTemplateData: { ImageId: world.diskImage, KeyName: "key" },
    }),
  );
  const { Subnets } = await client.send(new DescribeSubnetsCommand({}));
  const { SecurityGroups } = await client.send(new DescribeSecurityGroupsCommand({}));
  launch = {
    LaunchTemplate: { LaunchTemplateName: "template" },
    SubnetId: Subnets![0]!.SubnetId,
    SecurityGroupIds: [SecurityGroups![0]!.GroupId!],
    Placement: { GroupName: "near" },
    MinCount: 1,
    MaxCount: 1,
    DryRun: true,
  };
});
after(() => world.stop());

const may = { name: "DryRunOperation" };
const mayNot = { name: "UnauthorizedOperation" };
const arn = (kind: string, id = "*") => `arn:aws:ec2:*:*:${kind}/${id}`;
let users = 0;
const user = (...statements: object[]) => userWith(world, `u${users++}`, statements);

/** What one call touches is asked for one by one: none of it may be denied, and none be left out of what is allowed. */
async function asksForEach(
  action: string,
  kinds: readonly string[],
  call: (who: EC2Client) => Promise<unknown>,
) {
  const allowed = (Resource: string | string[]) => ({ Effect: "Allow", Action: action, Resource });
  const all = kinds.map((kind) => arn(kind));
  await assert.rejects(call(await user(allowed(all))), may, `${action} with all that it needs`);
  for (const Resource of all) {
    const denied = { Effect: "Deny", Action: action, Resource };
    const isDenied = `${action} with ${Resource} denied`;
    await assert.rejects(call(await user(allowed("*"), denied)), mayNot, isDenied);
    const others = allowed(all.filter((one) => one !== Resource));
    await assert.rejects(call(await user(others)), mayNot, `${action} without ${Resource}`);
  }
}

test("a launch is asked of all that it makes and of all that it uses", () =>
  asksForEach(
    "ec2:RunInstances",
    [
      "instance",
      "network-interface",
      "volume",
      "image",
      "subnet",
      "security-group",
      "snapshot",
      "key-pair",
      "placement-group",
      "launch-template",
    ],
    (who) => who.send(new RunInstancesCommand(launch)),
  ));

test("volumes, images and addresses are asked of all that they concern", async () => {
  const { client, snapshot: SnapshotId } = world;
  const AvailabilityZone = "us-east-1a";
  const { Instances } = await client.send(new RunInstancesCommand({ ...launch, DryRun: false }));
  const { InstanceId } = Instances![0]!;
  const { VolumeId } = await client.send(new CreateVolumeCommand({ AvailabilityZone, Size: 1 }));
  const { AllocationId, PublicIp } = await client.send(new AllocateAddressCommand({}));
  const DryRun = true;
  await asksForEach("ec2:CreateVolume", ["volume", "snapshot"], (who) =>
    who.send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId, DryRun })),
  );
  await asksForEach("ec2:AttachVolume", ["volume", "instance"], (who) =>
    who.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf", DryRun })),
  );
  await client.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" }));
  await asksForEach("ec2:DetachVolume", ["volume", "instance"], (who) =>
    who.send(new DetachVolumeCommand({ VolumeId, DryRun })),
  );
  await asksForEach("ec2:CreateImage", ["instance", "image"], (who) =>
    who.send(new CreateImageCommand({ InstanceId, Name: "made", DryRun })),
  );
  for (const address of [{ AllocationId }, { PublicIp }])
    await asksForEach(
      "ec2:AssociateAddress",
      ["elastic-ip", "instance", "network-interface"],
      (who) => who.send(new AssociateAddressCommand({ ...address, InstanceId, DryRun })),
    );
});

test("types, zones, owners and tags are conditions of a launch; the type also where it is left to the cloud", async () => {
  const { client, diskImage: ImageId } = world;
  const tag = { Resources: [ImageId], Tags: [{ Key: "team", Value: "a" }] };
  await client.send(new CreateTagsCommand(tag));
  const small = "u.small";
  const run = (who: EC2Client, InstanceType?: string) =>
    who.send(new RunInstancesCommand({ ...launch, InstanceType: InstanceType as "t3.micro" }));
  const when = (Resource: string, key: string, value: string) =>
    user(
      { Effect: "Allow", Action: "ec2:RunInstances", NotResource: Resource },
      {
        Effect: "Allow",
        Action: "ec2:RunInstances",
        Resource,
        Condition: { StringEquals: { [key]: value } },
      },
    );
  for (const [resource, key, value] of [
    [arn("image"), "ec2:ResourceTag/team", "a"],
    [arn("image"), "aws:ResourceTag/team", "a"],
    [arn("image"), "ec2:Owner", accountId],
    [arn("subnet"), "ec2:AvailabilityZone", "us-east-1a"],
    [arn("instance"), "ec2:InstanceMarketType", "on-demand"],
    [arn("instance"), "ec2:Region", "us-east-1"],
    [arn("volume"), "ec2:VolumeType", "gp3"],
    [arn("volume"), "ec2:VolumeSize", "1"],
  ] as const) {
    await assert.rejects(run(await when(resource, key, value)), may, `${key} ${value}`);
    await assert.rejects(run(await when(resource, key, "another")), mayNot, `${key} another`);
  }
  const notSmall = await user(
    { Effect: "Allow", Action: "ec2:*", Resource: "*" },
    {
      Effect: "Deny",
      Action: "ec2:RunInstances",
      Resource: arn("instance"),
      Condition: { StringEquals: { "ec2:InstanceType": small } },
    },
  );
  await assert.rejects(run(notSmall, "v.micro"), may);
  for (const type of [small, undefined]) await assert.rejects(run(notSmall, type), mayNot);
});

test("whoever requests a spot instance must be allowed to pass its role, and to use its image", async () => {
  const iam = new IAMClient(clientOptions(world.aws.endpoint));
  const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" } };
  const Statement = [{ ...trust, Action: "sts:AssumeRole" }];
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.send(new CreateRoleCommand({ RoleName: "strong", AssumeRolePolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "strong" }));
  const role = { InstanceProfileName: "strong", RoleName: "strong" };
  await iam.send(new AddRoleToInstanceProfileCommand(role));
  const request = (who: EC2Client) =>
    who.send(
      new RequestSpotInstancesCommand({
        LaunchSpecification: { ImageId: world.filesImage, IamInstanceProfile: { Name: "strong" } },
        DryRun: true,
      }),
    );
  const ec2 = { Effect: "Allow", Action: "ec2:*", Resource: "*" };
  const pass = { Effect: "Allow", Action: "iam:PassRole", Resource: "*" };
  const noImage = { Effect: "Deny", Action: "ec2:RequestSpotInstances", Resource: arn("image") };
  await assert.rejects(request(await user(ec2)), mayNot);
  await assert.rejects(request(await user(ec2, pass, noImage)), mayNot);
  await assert.rejects(request(await user(ec2, pass)), may);
});
