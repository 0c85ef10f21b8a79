import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CopyImageCommand,
  CopySnapshotCommand,
  CreateImageCommand,
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  ModifyImageAttributeCommand,
  RegisterImageCommand,
  RunInstancesCommand,
  waitUntilImageAvailable,
  waitUntilInstanceRunning,
} from "@aws-sdk/client-ec2";
import { accountId } from "../testing/aws-port.ts";
import { userWith } from "./testing/user-with.ts";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;

async function image(id: string) {
  const { Images } = await send(new DescribeImagesCommand({ ImageIds: [id] }));
  return Images![0]!;
}

test("an image is made of an instance, launched, copied and deregistered", async () => {
  const { Instances } = await send(
    new RunInstancesCommand({
      ImageId: world.diskImage,
      InstanceType: "v.micro" as never,
      MinCount: 1,
      MaxCount: 1,
    }),
  );
  const InstanceId = Instances![0]!.InstanceId!;
  await waitUntilInstanceRunning(wait(), { InstanceIds: [InstanceId] });
  const { ImageId } = await send(new CreateImageCommand({ InstanceId, Name: "made of it" }));
  await waitUntilImageAvailable(wait(), { ImageIds: [ImageId!] });
  const made = await image(ImageId!);
  assert.equal(made.RootDeviceName, "/dev/sda1");
  assert.equal(made.SourceInstanceId, InstanceId);
  await assert.rejects(send(new CreateImageCommand({ InstanceId, Name: "made of it" })), {
    name: "InvalidAMIName.Duplicate",
  });
  const copy = await send(
    new CopyImageCommand({ SourceImageId: ImageId, SourceRegion: "us-east-1", Name: "a copy" }),
  );
  assert.notEqual(
    (await image(copy.ImageId!)).BlockDeviceMappings![0]!.Ebs!.SnapshotId,
    made.BlockDeviceMappings![0]!.Ebs!.SnapshotId,
  );
  await send(new DeregisterImageCommand({ ImageId }));
  await assert.rejects(image(ImageId!), { name: "InvalidAMIID.NotFound" });
  await assert.rejects(send(new RunInstancesCommand({ ImageId, MinCount: 1, MaxCount: 1 })), {
    name: "InvalidAMIID.Unavailable",
  });
});

test("DeregisterImage deletes the snapshots of an image when that is asked for, but for those of another image", async () => {
  const { SnapshotId } = (await image(world.diskImage)).BlockDeviceMappings![0]!.Ebs!;
  const copied = new CopySnapshotCommand({
    SourceSnapshotId: SnapshotId,
    SourceRegion: "us-east-1",
  });
  const own = (await send(copied)).SnapshotId!;
  const register = async (Name: string) => {
    const BlockDeviceMappings = [{ DeviceName: "/dev/sda1", Ebs: { SnapshotId: own } }];
    return (await send(new RegisterImageCommand({ Name, BlockDeviceMappings }))).ImageId!;
  };
  const [one, two] = [await register("one of it"), await register("two of it")];
  const deregister = async (ImageId: string) => {
    const asked = { ImageId, DeleteAssociatedSnapshots: true };
    return (await send(new DeregisterImageCommand(asked))).DeleteSnapshotResults;
  };
  assert.deepEqual(await deregister(one), [{ SnapshotId: own, ReturnCode: "skipped" }]);
  assert.deepEqual(await deregister(two), [{ SnapshotId: own, ReturnCode: "success" }]);
  await assert.rejects(send(new DescribeSnapshotsCommand({ SnapshotIds: [own] })), {
    name: "InvalidSnapshot.NotFound",
  });
});

test("DeregisterImage leaves snapshots that its caller may not delete, and says so of each", async () => {
  const { SnapshotId: ofOther } = (await image(world.diskImage)).BlockDeviceMappings![0]!.Ebs!;
  const copied = new CopySnapshotCommand({
    SourceSnapshotId: ofOther,
    SourceRegion: "us-east-1",
  });
  const [open, closed] = [(await send(copied)).SnapshotId!, (await send(copied)).SnapshotId!];
  const BlockDeviceMappings = [
    { DeviceName: "/dev/sda1", Ebs: { SnapshotId: open } },
    { DeviceName: "/dev/sdf", Ebs: { SnapshotId: closed } },
  ];
  const asked = { Name: "of two", RootDeviceName: "/dev/sda1", BlockDeviceMappings };
  const { ImageId } = await send(new RegisterImageCommand(asked));
  const user = await userWith(world, "keeper", [
    { Effect: "Allow", Action: "ec2:DeregisterImage", Resource: "*" },
    { Effect: "Allow", Action: "ec2:DeleteSnapshot", Resource: `*snapshot/${open}` },
  ]);
  const deregister = new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true });
  assert.deepEqual((await user.send(deregister)).DeleteSnapshotResults, [
    { SnapshotId: open, ReturnCode: "success" },
    { SnapshotId: closed, ReturnCode: "missing-permissions" },
  ]);
  const { Snapshots } = await send(new DescribeSnapshotsCommand({ SnapshotIds: [closed] }));
  assert.equal(Snapshots!.length, 1);
});

test("an image is registered of a snapshot, whose name and snapshot are checked", async () => {
  const disk = { DeviceName: "/dev/sda1", Ebs: { SnapshotId: world.snapshot } };
  const register = (more: object) =>
    send(new RegisterImageCommand({ Name: "registered", BlockDeviceMappings: [disk], ...more }));
  const { ImageId } = await register({ RootDeviceName: "/dev/sda1" });
  assert.equal((await image(ImageId!)).State, "available");
  await assert.rejects(register({ Name: "x" }), { name: "InvalidAMIName.Malformed" });
  await assert.rejects(register({ Name: "other", BlockDeviceMappings: [] }), {
    name: "InvalidBlockDeviceMapping",
  });
  const unknown = [{ DeviceName: "/dev/sda1", Ebs: { SnapshotId: "snap-00000000" } }];
  await assert.rejects(register({ Name: "other", BlockDeviceMappings: unknown }), {
    name: "InvalidSnapshot.NotFound",
  });
});

test("an image is another's to launch when it is shared, and its owner's alone to change", async () => {
  const { other, filesImage: ImageId } = world;
  const seen = async (asked: object) =>
    (await other.send(new DescribeImagesCommand(asked))).Images!.map((one) => one.ImageId);
  assert.deepEqual(await seen({ Owners: [accountId] }), []);
  await assert.rejects(other.send(new DescribeImagesCommand({ ImageIds: [ImageId] })), {
    name: "InvalidAMIID.NotFound",
  });
  await send(
    new ModifyImageAttributeCommand({
      ImageId,
      LaunchPermission: { Add: [{ Group: "all" }] },
    }),
  );
  assert.deepEqual(await seen({ Owners: [accountId] }), [ImageId]);
  assert.deepEqual(await seen({ ExecutableUsers: ["all"] }), [ImageId]);
  assert.deepEqual(await seen({ Owners: ["self"] }), []);
  const { LaunchPermissions } = await send(
    new DescribeImageAttributeCommand({ ImageId, Attribute: "launchPermission" }),
  );
  assert.deepEqual(LaunchPermissions, [{ Group: "all" }]);
  await assert.rejects(other.send(new DeregisterImageCommand({ ImageId })), {
    name: "InvalidAMIID.NotFound",
  });
  await send(new ModifyImageAttributeCommand({ ImageId, Description: { Value: "of all" } }));
  assert.equal((await image(ImageId)).Description, "of all");
  assert.equal((await image(ImageId)).Public, true);
});
