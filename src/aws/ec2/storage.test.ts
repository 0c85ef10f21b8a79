import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AttachVolumeCommand,
  CopySnapshotCommand,
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  DescribeVolumesModificationsCommand,
  DescribeVolumeStatusCommand,
  DetachVolumeCommand,
  ModifySnapshotAttributeCommand,
  ModifyVolumeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceTerminated,
  waitUntilSnapshotCompleted,
  waitUntilVolumeAvailable,
  waitUntilVolumeDeleted,
  waitUntilVolumeInUse,
} from "@aws-sdk/client-ec2";
import { accountId } from "../testing/aws-port.ts";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;
const AvailabilityZone = "us-east-1a";

async function volume(more: object = {}): Promise<string> {
  const { VolumeId } = await send(
    new CreateVolumeCommand({ AvailabilityZone, Size: 1, VolumeType: "gp3", ...more }),
  );
  return VolumeId!;
}

async function launched(): Promise<string> {
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
  return InstanceId;
}

test("a volume is made, attached, taken back and deleted, as the SDK's waiters see it", async () => {
  const InstanceId = await launched();
  const VolumeId = await volume();
  const VolumeIds = [VolumeId];
  await waitUntilVolumeAvailable(wait(), { VolumeIds });
  await send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" }));
  await waitUntilVolumeInUse(wait(), { VolumeIds });
  await assert.rejects(
    send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdg" })),
    { name: "VolumeInUse" },
  );
  await assert.rejects(send(new DeleteVolumeCommand({ VolumeId })), { name: "VolumeInUse" });
  const { Volumes } = await send(
    new DescribeVolumesCommand({
      Filters: [
        { Name: "attachment.instance-id", Values: [InstanceId] },
        { Name: "attachment.delete-on-termination", Values: ["false"] },
      ],
    }),
  );
  assert.deepEqual(
    Volumes!.map((one) => [one.VolumeId, one.Attachments![0]!.Device]),
    [[VolumeId, "/dev/sdf"]],
  );
  await assert.rejects(
    send(new DetachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdz" })),
    { name: "InvalidAttachment.NotFound" },
  );
  await send(new DetachVolumeCommand({ VolumeId }));
  await waitUntilVolumeAvailable(wait(), { VolumeIds });
  await send(new DeleteVolumeCommand({ VolumeId }));
  await waitUntilVolumeDeleted(wait(), { VolumeIds });
});

test("the root goes with its instance, and cannot be taken from one that runs", async () => {
  const InstanceId = await launched();
  const { Reservations } = await send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }));
  const [disk] = Reservations![0]!.Instances![0]!.BlockDeviceMappings!;
  const VolumeId = disk!.Ebs!.VolumeId!;
  await assert.rejects(send(new DetachVolumeCommand({ VolumeId })), {
    name: "OperationNotPermitted",
  });
  await send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
  await waitUntilInstanceTerminated(wait(), { InstanceIds: [InstanceId] });
  await waitUntilVolumeDeleted(wait(), { VolumeIds: [VolumeId] });
});

test("a device names one disk: what names none, or another one's, is refused by launch and attach", async () => {
  const InstanceId = await launched();
  const [first, second] = [await volume(), await volume()];
  const attach = (VolumeId: string, Device: string) =>
    send(new AttachVolumeCommand({ VolumeId, InstanceId, Device }));
  await assert.rejects(attach(first, "/etc/passwd"), { name: "InvalidParameterValue" });
  await attach(first, "/dev/sdf");
  await assert.rejects(attach(second, "sdf"), { name: "InvalidParameterValue" });
  const launch = (...names: string[]) =>
    send(
      new RunInstancesCommand({
        ImageId: world.diskImage,
        InstanceType: "v.micro" as never,
        MinCount: 1,
        MaxCount: 1,
        BlockDeviceMappings: names.map((DeviceName) => ({ DeviceName, Ebs: { VolumeSize: 1 } })),
      }),
    );
  await assert.rejects(launch("/etc/passwd"), { name: "InvalidParameterValue" });
  await assert.rejects(launch("/dev/sdf", "sdf"), { name: "InvalidBlockDeviceMapping" });
  await send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
});

test("a volume's token makes one; its size, type, zone and device are checked", async () => {
  const ClientToken = "one";
  const first = await volume({ ClientToken });
  assert.equal(await volume({ ClientToken }), first);
  await assert.rejects(volume({ ClientToken, Size: 2 }), { name: "IdempotentParameterMismatch" });
  await assert.rejects(volume({ VolumeType: "io1", Size: 4 }), { name: "MissingParameter" });
  await assert.rejects(volume({ VolumeType: "gp9" }), { name: "InvalidParameterValue" });
  await assert.rejects(volume({ AvailabilityZone: "eu-1a" }), { name: "InvalidZone.NotFound" });
  await assert.rejects(
    send(new AttachVolumeCommand({ VolumeId: first, InstanceId: "i-00000000", Device: "sdf" })),
    { name: "InvalidInstanceID.NotFound" },
  );
  await assert.rejects(send(new DescribeVolumesCommand({ VolumeIds: ["vol-00000000"] })), {
    name: "InvalidVolume.NotFound",
  });
});

test("a volume grows while an instance has it, and says what it was before", async () => {
  const VolumeId = await volume();
  const never = await volume();
  const { VolumeModification } = await send(
    new ModifyVolumeCommand({ VolumeId, Size: 8, Iops: 4000 }),
  );
  assert.deepEqual([VolumeModification!.OriginalSize, VolumeModification!.TargetSize], [1, 8]);
  const { VolumesModifications } = await send(
    new DescribeVolumesModificationsCommand({ VolumeIds: [VolumeId] }),
  );
  assert.equal(VolumesModifications![0]!.ModificationState, "completed");
  assert.equal(VolumesModifications![0]!.OriginalIops, 3000);
  await assert.rejects(send(new ModifyVolumeCommand({ VolumeId, Size: 2 })), {
    name: "InvalidParameterValue",
  });
  await assert.rejects(send(new DescribeVolumesModificationsCommand({ VolumeIds: [never] })), {
    name: "InvalidVolumeModification.NotFound",
  });
  const { VolumeStatuses } = await send(new DescribeVolumeStatusCommand({ VolumeIds: [VolumeId] }));
  assert.equal(VolumeStatuses![0]!.VolumeStatus!.Status, "ok");
});

test("snapshots are made of one volume or of all of an instance, copied and deleted", async () => {
  const InstanceId = await launched();
  const { Snapshots } = await send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId }, Description: "all" }),
  );
  const SnapshotIds = Snapshots!.map(({ SnapshotId }) => SnapshotId!);
  assert.equal(SnapshotIds.length, 1);
  await waitUntilSnapshotCompleted(wait(), { SnapshotIds });
  const { SnapshotId } = await send(
    new CopySnapshotCommand({ SourceRegion: "us-east-1", SourceSnapshotId: SnapshotIds[0]! }),
  );
  await send(new DeleteSnapshotCommand({ SnapshotId: SnapshotIds[0]! }));
  await assert.rejects(send(new DescribeSnapshotsCommand({ SnapshotIds })), {
    name: "InvalidSnapshot.NotFound",
  });
  const made = await volume({ SnapshotId, Size: undefined });
  const { Volumes } = await send(new DescribeVolumesCommand({ VolumeIds: [made] }));
  assert.equal(Volumes![0]!.SnapshotId, SnapshotId);
  await assert.rejects(send(new DeleteSnapshotCommand({ SnapshotId: world.snapshot })), {
    name: "InvalidSnapshot.InUse",
  });
  await assert.rejects(volume({ SnapshotId: "snap-00000000" }), {
    name: "InvalidSnapshot.NotFound",
  });
});

test("a snapshot is another account's to use when it is shared, and not before", async () => {
  const VolumeId = await volume();
  const { SnapshotId } = await send(new CreateSnapshotCommand({ VolumeId }));
  const { other } = world;
  const own = { OwnerIds: [accountId] };
  const seen = async () =>
    (await other.send(new DescribeSnapshotsCommand(own))).Snapshots!.map((one) => one.SnapshotId);
  assert.deepEqual(await seen(), []);
  await assert.rejects(other.send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId })), {
    name: "InvalidSnapshot.NotFound",
  });
  await send(
    new ModifySnapshotAttributeCommand({
      SnapshotId,
      CreateVolumePermission: { Add: [{ Group: "all" }] },
    }),
  );
  assert.deepEqual(await seen(), [SnapshotId]);
  await other.send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId }));
  await assert.rejects(other.send(new DeleteSnapshotCommand({ SnapshotId })), {
    name: "InvalidSnapshot.NotFound",
  });
  const { CreateVolumePermissions } = await send(
    new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: "createVolumePermission" }),
  );
  assert.deepEqual(CreateVolumePermissions, [{ Group: "all" }]);
});

test("tags are given, found by filters and taken away; those of others are not there", async () => {
  const VolumeId = await volume({
    TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: "a", Value: "1" }] }],
  });
  const snapshot = world.snapshot;
  await send(
    new CreateTagsCommand({
      Resources: [VolumeId, snapshot],
      Tags: [{ Key: "stage", Value: "test" }],
    }),
  );
  const found = await send(
    new DescribeTagsCommand({ Filters: [{ Name: "tag:stage", Values: ["t*"] }] }),
  );
  assert.deepEqual(
    found.Tags!.map(({ ResourceId, ResourceType }) => [ResourceId, ResourceType]),
    [
      [snapshot, "snapshot"],
      [VolumeId, "volume"],
    ],
  );
  const byTag = async (Name: string, ...Values: string[]) =>
    (await send(new DescribeVolumesCommand({ Filters: [{ Name, Values }] }))).Volumes!.map(
      (one) => one.VolumeId,
    );
  assert.deepEqual(await byTag("tag:a", "1"), [VolumeId]);
  assert.deepEqual(await byTag("tag:a=", "1"), []);
  assert.deepEqual(await byTag("tag-key", "sta?e"), [VolumeId]);
  await send(new DeleteTagsCommand({ Resources: [VolumeId], Tags: [{ Key: "a", Value: "2" }] }));
  assert.deepEqual(await byTag("tag:a", "1"), [VolumeId]);
  await send(new DeleteTagsCommand({ Resources: [VolumeId] }));
  assert.deepEqual(await byTag("tag-key", "*"), []);
  const tag = { Tags: [{ Key: "x", Value: "y" }] };
  await assert.rejects(world.other.send(new CreateTagsCommand({ Resources: [VolumeId], ...tag })), {
    name: "InvalidVolume.NotFound",
  });
  await assert.rejects(send(new CreateTagsCommand({ Resources: ["what"], ...tag })), {
    name: "InvalidID",
  });
  await assert.rejects(
    send(new CreateTagsCommand({ Resources: [VolumeId], Tags: [{ Key: "aws:x", Value: "" }] })),
    { name: "InvalidParameterValue" },
  );
});
