import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  CreatePlacementGroupCommand,
  CreateTagsCommand,
  DeleteLaunchTemplateCommand,
  DeleteLaunchTemplateVersionsCommand,
  DeletePlacementGroupCommand,
  DescribeLaunchTemplatesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribePlacementGroupsCommand,
  ModifyLaunchTemplateCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send } = world;
const run = async (more: Partial<RunInstancesCommandInput>) =>
  (await send(new RunInstancesCommand({ MinCount: 1, MaxCount: 1, ...more }))).Instances![0]!;

test("instances are launched by a template's version, and by what is said beside", async () => {
  const LaunchTemplateName = "web";
  const { LaunchTemplate } = await send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName,
      LaunchTemplateData: {
        ImageId: world.filesImage,
        InstanceType: "c.nano" as never,
        TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "of", Value: "web" }] }],
      },
    }),
  );
  const LaunchTemplateId = LaunchTemplate!.LaunchTemplateId!;
  await send(
    new CreateLaunchTemplateVersionCommand({
      LaunchTemplateId,
      SourceVersion: "1",
      LaunchTemplateData: { InstanceType: "c.micro" as never },
    }),
  );
  const first = await run({ LaunchTemplate: { LaunchTemplateName } });
  assert.equal(first.InstanceType, "c.nano");
  assert.deepEqual(first.Tags, [{ Key: "of", Value: "web" }]);
  const latest = await run({ LaunchTemplate: { LaunchTemplateId, Version: "$Latest" } });
  assert.equal(latest.InstanceType, "c.micro");
  const beside = await run({
    LaunchTemplate: { LaunchTemplateId },
    InstanceType: "c.small" as never,
  });
  assert.equal(beside.InstanceType, "c.small");
  await assert.rejects(run({ LaunchTemplate: { LaunchTemplateId, Version: "9" } }), {
    name: "InvalidLaunchTemplateId.VersionNotFound",
  });
  await assert.rejects(run({ LaunchTemplate: { LaunchTemplateName: "none" } }), {
    name: "InvalidLaunchTemplateName.NotFoundException",
  });
  await assert.rejects(
    world.other.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [LaunchTemplateId] })),
    { name: "InvalidLaunchTemplateId.NotFound" },
  );
});

test("versions are told the newest first, made the default, and deleted but for that", async () => {
  const LaunchTemplateName = "versions";
  await send(
    new CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData: { KeyName: "z" } }),
  );
  await assert.rejects(
    send(
      new CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData: { KeyName: "z" } }),
    ),
    { name: "InvalidLaunchTemplateName.AlreadyExistsException" },
  );
  for (const KeyName of ["a", "b"])
    await send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateName,
        LaunchTemplateData: { KeyName },
      }),
    );
  await send(new ModifyLaunchTemplateCommand({ LaunchTemplateName, DefaultVersion: "2" }));
  const gone = await send(
    new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateName, Versions: ["1", "2", "7"] }),
  );
  assert.deepEqual(
    gone.SuccessfullyDeletedLaunchTemplateVersions!.map((one) => one.VersionNumber),
    [1],
  );
  const { LaunchTemplateVersions } = await send(
    new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateName }),
  );
  assert.deepEqual(
    LaunchTemplateVersions!.map(({ VersionNumber, DefaultVersion }) => [
      VersionNumber,
      DefaultVersion,
    ]),
    [
      [3, false],
      [2, true],
    ],
  );
  await send(new DeleteLaunchTemplateCommand({ LaunchTemplateName }));
});

test("a placement group keeps instances apart, and is not deleted while it has any", async () => {
  const GroupName = "apart";
  const { PlacementGroup } = await send(
    new CreatePlacementGroupCommand({ GroupName, Strategy: "spread" }),
  );
  await send(
    new CreateTagsCommand({
      Resources: [PlacementGroup!.GroupId!],
      Tags: [{ Key: "a", Value: "b" }],
    }),
  );
  const { PlacementGroups } = await send(
    new DescribePlacementGroupsCommand({ Filters: [{ Name: "tag:a", Values: ["b"] }] }),
  );
  assert.equal(PlacementGroups![0]!.GroupName, GroupName);
  const asked = {
    ImageId: world.filesImage,
    InstanceType: "c.nano" as never,
    Placement: { GroupName },
  };
  await run(asked);
  // There is one machine.
  await assert.rejects(run(asked), { name: "InsufficientInstanceCapacity" });
  await assert.rejects(send(new DeletePlacementGroupCommand({ GroupName })), {
    name: "InvalidPlacementGroup.InUse",
  });
  await assert.rejects(run({ ...asked, Placement: { GroupName: "none" } }), {
    name: "InvalidPlacementGroup.Unknown",
  });
});
