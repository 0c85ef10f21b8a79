import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CreateKeyPairCommand,
  CreateLaunchTemplateCommand,
  CreatePlacementGroupCommand,
  CreateTagsCommand,
  CreateSecurityGroupCommand,
  CreateVolumeCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { userWith } from "./testing/user-with.ts";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());

const mayNot = { name: "UnauthorizedOperation" };
const allow = (Action: string, Condition?: object) => ({
  Effect: "Allow",
  Action,
  Resource: "*",
  ...(Condition && { Condition }),
});
const volume = (tags: Record<string, string> = {}) =>
  new CreateVolumeCommand({
    AvailabilityZone: "us-east-1a",
    Size: 1,
    TagSpecifications: [
      {
        ResourceType: "volume",
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      },
    ],
  });
const tagged = (id: string) =>
  new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "team", Value: "a" }] });

test("tags of key pairs, launch templates and placement groups are conditions of policies, by both names", async () => {
  const { client } = world;
  const Tags = [{ Key: "team", Value: "a" }];
  const of = (ResourceType: "key-pair" | "launch-template" | "placement-group") => [
    { ResourceType, Tags },
  ];
  const key = await client.send(
    new CreateKeyPairCommand({ KeyName: "k", TagSpecifications: of("key-pair") }),
  );
  const bare = await client.send(new CreateKeyPairCommand({ KeyName: "bare" }));
  const template = await client.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: "template",
      LaunchTemplateData: { InstanceType: "t3.micro" },
      TagSpecifications: of("launch-template"),
    }),
  );
  const group = await client.send(
    new CreatePlacementGroupCommand({
      GroupName: "group",
      Strategy: "cluster",
      TagSpecifications: of("placement-group"),
    }),
  );
  const ids = [
    key.KeyPairId!,
    template.LaunchTemplate!.LaunchTemplateId!,
    group.PlacementGroup!.GroupId!,
  ];
  const tag = (who: EC2Client, Resources: string[]) =>
    who.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "b", Value: "1" }] }));
  for (const name of ["aws:ResourceTag/team", "ec2:ResourceTag/team"]) {
    const Condition = { StringEquals: { [name]: "a" } };
    const user = await userWith(world, name.slice(0, 3), [
      { Effect: "Allow", Action: "ec2:CreateTags", Resource: "*", Condition },
    ]);
    for (const id of ids) await tag(user, [id]);
    await assert.rejects(tag(user, [ids[0]!, bare.KeyPairId!]), { name: "UnauthorizedOperation" });
  }
});

test("tags that are asked for are conditions, of what is made and of what is tagged later", async () => {
  const { client } = world;
  const onlyA = { StringEquals: { "aws:RequestTag/team": "a" } };
  const onlyTeam = { "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] } };
  const user = await userWith(world, "tags", [
    allow("ec2:CreateVolume", { ...onlyA, ...onlyTeam }),
    allow("ec2:CreateTags", onlyA),
  ]);
  await user.send(volume({ team: "a" }));
  const others: Record<string, string>[] = [{}, { team: "b" }, { team: "a", stage: "test" }];
  for (const tags of others) await assert.rejects(user.send(volume(tags)), mayNot);
  const { VolumeId: id = "" } = await client.send(volume());
  await user.send(tagged(id));
  const other = new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "team", Value: "b" }] });
  await assert.rejects(user.send(other), mayNot);
});

test("who may give tags only while something is made by one action, may not by another, nor later", async () => {
  const user = await userWith(world, "makes", [
    allow("ec2:CreateVolume"),
    allow("ec2:CreateSecurityGroup"),
    allow("ec2:CreateTags", { StringEquals: { "ec2:CreateAction": "CreateVolume" } }),
  ]);
  const { VolumeId: id = "" } = await user.send(volume({ team: "a" }));
  await assert.rejects(user.send(tagged(id)), mayNot);
  const group = (GroupName: string, Tags: { Key: string; Value: string }[]) =>
    new CreateSecurityGroupCommand({
      GroupName,
      Description: "a group",
      TagSpecifications: [{ ResourceType: "security-group", Tags }],
    });
  await user.send(group("bare", []));
  await assert.rejects(user.send(group("tagged", [{ Key: "team", Value: "a" }])), mayNot);
});

test("a condition on a key that no call has is one on a value that is not there", async () => {
  const Misspelt = { "aws:RequestTags/team": "a" };
  const by = async (name: string, condition: object) => {
    const user = await userWith(world, name, [allow("ec2:CreateVolume", condition)]);
    return user.send(new CreateVolumeCommand({ AvailabilityZone: "us-east-1a", Size: 1 }));
  };
  await assert.rejects(by("equals", { StringEquals: Misspelt }), mayNot);
  await assert.rejects(by("like", { StringLike: { "aws:Nonsense": "*" } }), mayNot);
  await by("not", { StringNotEquals: Misspelt });
  await by("exists", { StringEqualsIfExists: Misspelt });
  await by("null", { Null: { "aws:Nonsense": "true" } });
});
