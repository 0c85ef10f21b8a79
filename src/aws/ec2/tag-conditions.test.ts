import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateKeyPairCommand,
  CreateLaunchTemplateCommand,
  CreatePlacementGroupCommand,
  CreateTagsCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { userWith } from "./testing/user-with.ts";
import { startEc2, type Ec2World } from "./testing/world.ts";

let world: Ec2World;
before(async () => (world = await startEc2()));
after(() => world.stop());

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
