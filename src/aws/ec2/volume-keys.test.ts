import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AttachVolumeCommand,
  CopySnapshotCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeVolumesCommand,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceStopped,
  waitUntilSnapshotCompleted,
} from "@aws-sdk/client-ec2";
import { ordersFor } from "#/instances/orders.ts";
import { orderMeans } from "#/instances/order-means.ts";
import { kmsKeyArn, type KmsKeyRecord, type KmsKeySpec } from "#/model/kms.ts";
import { defaultPolicy } from "../kms/key-policy.ts";
import { accountId } from "../testing/aws-port.ts";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;
const AvailabilityZone = "us-east-1a";
const arnOf = ({ spec }: KmsKeyRecord) => kmsKeyArn(spec, "us-east-1");

function makeKey(policy = defaultPolicy(accountId)): KmsKeyRecord {
  const { kms, space } = world.aws.parts;
  const asked = { accountId, description: "", policy, manager: "CUSTOMER" as const };
  return space.commit((tx) => kms.create(tx, "default", asked)).value;
}

function change({ name }: KmsKeyRecord, spec: Partial<KmsKeySpec>): void {
  world.aws.parts.space.commit((tx) => {
    const record = tx.get("kms-key", name)!;
    tx.put<"kms-key">({ ...record, spec: { ...record.spec, ...spec } });
  });
}

async function sealedVolume(KmsKeyId: string): Promise<string> {
  const { VolumeId } = await send(
    new CreateVolumeCommand({ AvailabilityZone, Size: 1, Encrypted: true, KmsKeyId }),
  );
  return VolumeId!;
}

async function launched(BlockDeviceMappings: object[] = []): Promise<string> {
  const { Instances } = await send(
    new RunInstancesCommand({
      ImageId: world.diskImage,
      InstanceType: "v.micro" as never,
      MinCount: 1,
      MaxCount: 1,
      BlockDeviceMappings,
    }),
  );
  const InstanceId = Instances![0]!.InstanceId!;
  await waitUntilInstanceRunning(wait(), { InstanceIds: [InstanceId] });
  return InstanceId;
}

const sealedKeyOf = (volume: string) =>
  world.aws.parts.space.get("volume", volume)!.spec.sealedKey!;

function ordered(volume: string) {
  const { parts, sealer } = world.aws;
  const { space, volumeKeys } = parts;
  const machine = space.get("volume", volume)?.status.machine ?? "";
  const means = orderMeans({ space, access: sealer, volumeKeys, region: "us-east-1" });
  return ordersFor(machine, means).volumes.find((order) => order.volume === volume);
}

test("a key of the key service seals a volume: while it is off nothing begins to use the volume, and what runs goes on", async () => {
  const key = makeKey();
  const VolumeId = await sealedVolume(key.spec.id);
  const { Volumes } = await send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
  assert.equal(Volumes![0]!.KmsKeyId, arnOf(key));

  const InstanceId = await launched();
  const attach = () => send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" }));
  change(key, { isEnabled: false });
  await assert.rejects(attach(), { name: "InvalidKMSKey.InvalidState", message: /is disabled/ });
  await assert.rejects(sealedVolume(key.spec.id), { name: "InvalidKMSKey.InvalidState" });
  change(key, { isEnabled: true });
  await attach();
  assert.equal(Buffer.from(ordered(VolumeId)!.key!, "base64").length, 32);

  change(key, { deletionAt: Date.now() + 7 * 86_400_000 });
  assert.ok(ordered(VolumeId)!.key, "it runs");
  await send(new StopInstancesCommand({ InstanceIds: [InstanceId] }));
  await waitUntilInstanceStopped(wait(), { InstanceIds: [InstanceId] });
  await assert.rejects(send(new StartInstancesCommand({ InstanceIds: [InstanceId] })), {
    name: "InvalidKMSKey.InvalidState",
    message: /pending deletion/,
  });
  change(key, { deletionAt: Date.now() - 1 });
  assert.equal(ordered(VolumeId), undefined, "nobody can open it any more");
  await assert.rejects(send(new StartInstancesCommand({ InstanceIds: [InstanceId] })), {
    name: "InvalidKMSKey.InvalidState",
    message: /has been deleted/,
  });
});

test("what is made of a sealed volume stays under its key", async () => {
  const key = makeKey();
  const InstanceId = await launched([
    { DeviceName: "/dev/sdf", Ebs: { VolumeSize: 1, Encrypted: true, KmsKeyId: arnOf(key) } },
  ]);
  const { Volumes } = await send(
    new DescribeVolumesCommand({
      Filters: [{ Name: "attachment.instance-id", Values: [InstanceId] }],
    }),
  );
  const sealed = Volumes!.find(({ KmsKeyId }) => KmsKeyId === arnOf(key))!;
  const { SnapshotId, KmsKeyId } = await send(
    new CreateSnapshotCommand({ VolumeId: sealed.VolumeId }),
  );
  assert.equal(KmsKeyId, arnOf(key));
  await waitUntilSnapshotCompleted(wait(), { SnapshotIds: [SnapshotId!] });
  const again = await send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId }));
  assert.equal(again.KmsKeyId, arnOf(key));
  const own = { Encrypted: true, KmsKeyId: "alias/aws/ebs" };
  const underOwn = await send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId, ...own }));
  assert.equal(underOwn.KmsKeyId, undefined, "under EBS's own, as was asked");
  const ofThat = await send(new CreateSnapshotCommand({ VolumeId: underOwn.VolumeId }));
  assert.equal(ofThat.KmsKeyId, arnOf(key), "what is nowhere yet is as sealed as its snapshot");

  const rotation = { everyDays: 90, since: 0 };
  change(key, { rotation });
  const { space, kms } = world.aws.parts;
  space.commit((tx) => {
    const record = tx.get("kms-key", key.name)!;
    const [first] = record.status.materials;
    tx.put<"kms-key">({ ...record, status: { materials: [{ ...first!, createdAt: 0 }] } });
  });
  assert.ok(kms.nextRotation(space.get("kms-key", key.name)!)! < Date.now());
  const rotated = await send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId }));
  assert.equal(space.get("kms-key", key.name)!.status.materials.length, 2);
  assert.ok(world.aws.parts.volumeKeys.open(sealedKeyOf(rotated.VolumeId!), rotated.VolumeId!));
  change(key, { isEnabled: false });
  await assert.rejects(send(new CreateVolumeCommand({ AvailabilityZone, SnapshotId })), {
    name: "InvalidKMSKey.InvalidState",
  });
  await assert.rejects(
    send(
      new CopySnapshotCommand({
        SourceSnapshotId: SnapshotId,
        SourceRegion: "us-east-1",
        Encrypted: true,
        KmsKeyId: arnOf(key),
      }),
    ),
    { name: "UnsupportedOperation" },
  );
});

test("whom a key's policy does not allow seals and opens nothing with it", async () => {
  const nobodys = makeKey(
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: "kms:*", Resource: "*" }],
    }),
  );
  await assert.rejects(sealedVolume(arnOf(nobodys)), { name: "UnauthorizedOperation" });
  const Ebs = { VolumeSize: 1, Encrypted: true, KmsKeyId: arnOf(nobodys) };
  const mapping = [{ DeviceName: "/dev/sdf", Ebs }];
  await assert.rejects(launched(mapping), { name: "UnauthorizedOperation" });
  const spot = new RequestSpotInstancesCommand({
    LaunchSpecification: {
      ImageId: world.diskImage,
      InstanceType: "v.micro" as never,
      BlockDeviceMappings: mapping,
    },
  });
  await assert.rejects(send(spot), { name: "UnauthorizedOperation" });
  const key = makeKey();
  const VolumeId = await sealedVolume(arnOf(key));
  const InstanceId = await launched();
  change(key, { policy: nobodys.spec.policy });
  await assert.rejects(
    send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" })),
    { name: "UnauthorizedOperation" },
  );
});

test("a key that is not there, or for what is not encrypted, is refused; EBS's own is the cloud's", async () => {
  await assert.rejects(sealedVolume("alias/none"), { name: "InvalidParameterValue" });
  await assert.rejects(
    send(new CreateVolumeCommand({ AvailabilityZone, Size: 1, KmsKeyId: arnOf(makeKey()) })),
    { name: "InvalidParameterDependency" },
  );
  const VolumeId = await sealedVolume("alias/aws/ebs");
  const { Volumes } = await send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
  assert.equal(Volumes![0]!.Encrypted, true);
  assert.equal(Volumes![0]!.KmsKeyId, undefined);
});
