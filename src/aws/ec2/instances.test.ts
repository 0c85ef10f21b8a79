import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AttachVolumeCommand,
  CreateImageCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeregisterImageCommand,
  DescribeHostsCommand,
  DescribeImagesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  GetConsoleOutputCommand,
  GetConsoleScreenshotCommand,
  GetPasswordDataCommand,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  MonitorInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceStatusOk,
  waitUntilInstanceStopped,
  waitUntilInstanceTerminated,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;

async function launched(more: Partial<RunInstancesCommandInput> = {}): Promise<string> {
  const { Instances } = await send(
    new RunInstancesCommand({
      ImageId: world.filesImage,
      InstanceType: "c.nano" as never,
      MinCount: 1,
      MaxCount: 1,
      ...more,
    }),
  );
  return Instances![0]!.InstanceId!;
}

async function instance(id: string) {
  const { Reservations } = await send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations![0]!.Instances![0]!;
}

test("an instance runs, is well, stops, starts and ends, as the SDK's waiters see it", async () => {
  const id = await launched();
  const InstanceIds = [id];
  await waitUntilInstanceRunning(wait(), { InstanceIds });
  await waitUntilInstanceStatusOk(wait(), { InstanceIds });
  const running = await instance(id);
  assert.equal(running.PublicIpAddress, "192.0.2.1");
  assert.equal(running.MetadataOptions!.HttpTokens, "required");
  await send(new StopInstancesCommand({ InstanceIds }));
  await waitUntilInstanceStopped(wait(), { InstanceIds });
  assert.equal((await instance(id)).PublicIpAddress, undefined);
  assert.equal((await instance(id)).StateReason!.Code, "Client.UserInitiatedShutdown");
  await send(new StartInstancesCommand({ InstanceIds }));
  await waitUntilInstanceRunning(wait(), { InstanceIds });
  await send(new TerminateInstancesCommand({ InstanceIds }));
  await waitUntilInstanceTerminated(wait(), { InstanceIds });
  assert.equal((await instance(id)).PrivateIpAddress, undefined);
  await assert.rejects(send(new StartInstancesCommand({ InstanceIds })), {
    name: "IncorrectInstanceState",
  });
});

test("DescribeInstanceStatus tells of those that run, and of all where that is asked", async () => {
  const id = await launched();
  await waitUntilInstanceRunning(wait(), { InstanceIds: [id] });
  await send(new StopInstancesCommand({ InstanceIds: [id] }));
  await waitUntilInstanceStopped(wait(), { InstanceIds: [id] });
  const told = async (IncludeAllInstances: boolean) =>
    (
      await send(new DescribeInstanceStatusCommand({ InstanceIds: [id], IncludeAllInstances }))
    ).InstanceStatuses!.map(({ InstanceState, SystemStatus }) => [
      InstanceState!.Name,
      SystemStatus!.Status,
    ]);
  assert.deepEqual(await told(false), []);
  assert.deepEqual(await told(true), [["stopped", "not-applicable"]]);
});

test("a token launches once, and not with another request", async () => {
  const ClientToken = "once";
  const first = await launched({ ClientToken });
  assert.equal(await launched({ ClientToken }), first);
  await assert.rejects(launched({ ClientToken, InstanceType: "c.micro" as never }), {
    name: "IdempotentParameterMismatch",
  });
});

test("another tenant sees nothing of an instance, not even that there is one", async () => {
  const id = await launched();
  const { other } = world;
  assert.deepEqual((await other.send(new DescribeInstancesCommand({}))).Reservations, []);
  for (const InstanceIds of [[id], ["i-0123456789abcdef0"]])
    for (const command of [
      new DescribeInstancesCommand({ InstanceIds }),
      new TerminateInstancesCommand({ InstanceIds }),
      new MonitorInstancesCommand({ InstanceIds }),
    ])
      await assert.rejects(other.send(command as never), {
        name: "InvalidInstanceID.NotFound",
        message: `The instance ID '${InstanceIds[0]}' does not exist`,
      });
  await assert.rejects(
    other.send(new RunInstancesCommand({ ImageId: world.filesImage, MinCount: 1, MaxCount: 1 })),
    { name: "InvalidAMIID.NotFound" },
  );
  await assert.rejects(send(new DescribeInstancesCommand({ InstanceIds: ["x"] })), {
    name: "InvalidInstanceID.Malformed",
  });
});

test("another tenant's volumes, images, snapshots and groups are to nobody else's use, and are not there", async () => {
  const { other, filesImage, snapshot } = world;
  const InstanceId = await launched();
  const { VolumeId } = await send(
    new CreateVolumeCommand({ AvailabilityZone: "us-east-1a", Size: 1 }),
  );
  const { PrivateIpAddress, SubnetId, SecurityGroups } = await instance(InstanceId);
  const GroupId = SecurityGroups![0]!.GroupId!;
  const own = { ImageId: filesImage, MinCount: 1, MaxCount: 1 };
  const refused: [command: unknown, name: string][] = [
    [new DescribeVolumesCommand({ VolumeIds: [VolumeId!] }), "InvalidVolume.NotFound"],
    [
      new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" }),
      "InvalidVolume.NotFound",
    ],
    [new CreateSnapshotCommand({ VolumeId }), "InvalidVolume.NotFound"],
    [new DescribeSnapshotsCommand({ SnapshotIds: [snapshot] }), "InvalidSnapshot.NotFound"],
    [
      new CreateVolumeCommand({ AvailabilityZone: "us-east-1a", SnapshotId: snapshot }),
      "InvalidSnapshot.NotFound",
    ],
    [new DescribeImagesCommand({ ImageIds: [filesImage] }), "InvalidAMIID.NotFound"],
    [new DeregisterImageCommand({ ImageId: filesImage }), "InvalidAMIID.NotFound"],
    [new RunInstancesCommand({ ...own, SubnetId }), "InvalidAMIID.NotFound"],
    [new GetConsoleOutputCommand({ InstanceId }), "InvalidInstanceID.NotFound"],
    [new CreateImageCommand({ InstanceId, Name: "stolen" }), "InvalidInstanceID.NotFound"],
    [
      new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpEndpoint: "disabled" }),
      "InvalidInstanceID.NotFound",
    ],
    [new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }), "InvalidGroup.NotFound"],
  ];
  for (const [command, name] of refused)
    await assert.rejects(
      other.send(command as never),
      (thrown: Error) => thrown.name === name && !thrown.message.includes(PrivateIpAddress!),
      name,
    );
  const found = await Promise.all([
    other.send(new DescribeVolumesCommand({})),
    other.send(new DescribeSnapshotsCommand({})),
    other.send(new DescribeImagesCommand({})),
    other.send(new DescribeNetworkInterfacesCommand({})),
  ]);
  assert.doesNotMatch(
    JSON.stringify(found.map(({ $metadata: _, ...rest }) => rest)),
    /(vol|snap|ami|eni)-/,
  );
});

test("attributes are changed one by one; the type and the user data of one that is stopped", async () => {
  const id = await launched();
  await waitUntilInstanceRunning(wait(), { InstanceIds: [id] });
  const change = (more: object) =>
    send(new ModifyInstanceAttributeCommand({ InstanceId: id, ...more }));
  const attribute = (Attribute: string) =>
    send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: Attribute as never }));
  await assert.rejects(change({ InstanceType: { Value: "c.micro" } }), {
    name: "IncorrectInstanceState",
  });
  await change({ DisableApiStop: { Value: true } });
  await assert.rejects(send(new StopInstancesCommand({ InstanceIds: [id] })), {
    name: "OperationNotPermitted",
  });
  await change({ Attribute: "disableApiStop", Value: "false" });
  await send(new StopInstancesCommand({ InstanceIds: [id] }));
  await waitUntilInstanceStopped(wait(), { InstanceIds: [id] });
  await change({ InstanceType: { Value: "c.micro" } });
  assert.equal((await attribute("instanceType")).InstanceType!.Value, "c.micro");
  await assert.rejects(change({ InstanceType: { Value: "v.micro" } }), {
    name: "InvalidParameterCombination",
  });
  await change({ UserData: { Value: Buffer.from("#!/bin/sh\n") } });
  assert.equal(
    (await attribute("userData")).UserData!.Value,
    Buffer.from("#!/bin/sh\n").toString("base64"),
  );
  await change({ InstanceInitiatedShutdownBehavior: { Value: "terminate" } });
  assert.equal(
    (await attribute("instanceInitiatedShutdownBehavior")).InstanceInitiatedShutdownBehavior!.Value,
    "terminate",
  );
  await assert.rejects(change({ SourceDestCheck: { Value: false } }), {
    name: "UnsupportedOperation",
  });
  await assert.rejects(attribute("colour"), { name: "InvalidParameterValue" });
  await change({ DisableApiTermination: { Value: true } });
  await assert.rejects(send(new TerminateInstancesCommand({ InstanceIds: [id] })), {
    name: "OperationNotPermitted",
  });
});

test("an instance is not told to be alone on a machine that others share", async () => {
  const asked = { ImageId: world.filesImage, InstanceType: "c.nano" as never };
  const alone = {
    ...asked,
    MinCount: 1,
    MaxCount: 1,
    Placement: { Tenancy: "dedicated" } as const,
  };
  await assert.rejects(send(new RunInstancesCommand(alone)), { name: "UnsupportedOperation" });
});

test("metadata is of version 2 only, and its reach is changed while it runs", async () => {
  const InstanceId = await launched();
  const { InstanceMetadataOptions } = await send(
    new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpPutResponseHopLimit: 3 }),
  );
  assert.equal(InstanceMetadataOptions!.HttpPutResponseHopLimit, 3);
  await assert.rejects(
    send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, HttpTokens: "optional" })),
    { name: "UnsupportedOperation" },
  );
});

test("the console of an instance is read; what it has not is said", async () => {
  const InstanceId = await launched();
  await waitUntilInstanceRunning(wait(), { InstanceIds: [InstanceId] });
  const { Output } = await send(new GetConsoleOutputCommand({ InstanceId }));
  assert.equal(Buffer.from(Output!, "base64").toString(), `${InstanceId} has booted\n`);
  await assert.rejects(send(new GetConsoleScreenshotCommand({ InstanceId })), {
    name: "UnsupportedOperation",
    message: "it has no display",
  });
  await assert.rejects(send(new GetPasswordDataCommand({ InstanceId })), {
    name: "InvalidParameterValue",
  });
});

test("types are told by name, shape and kind; offered is what a machine here runs", async () => {
  const { InstanceTypes } = await send(
    new DescribeInstanceTypesCommand({ InstanceTypes: ["t3.micro"] }),
  );
  assert.equal(InstanceTypes![0]!.MemoryInfo!.SizeInMiB, 1024);
  await assert.rejects(
    send(new DescribeInstanceTypesCommand({ InstanceTypes: ["z9.huge" as never] })),
    { name: "InvalidInstanceType" },
  );
  const { InstanceTypeOfferings } = await send(
    new DescribeInstanceTypeOfferingsCommand({
      LocationType: "availability-zone",
      Filters: [{ Name: "instance-type", Values: ["m5.*"] }],
    }),
  );
  assert.deepEqual(
    InstanceTypeOfferings!.map(({ InstanceType, Location }) => [InstanceType, Location]),
    ["m5.2xlarge", "m5.large", "m5.xlarge"].map((type) => [type, "us-east-1a"]),
  );
});

test("machines are shown to the project that has them alone", async () => {
  const { space } = world.aws.parts;
  const hosts = async () =>
    (await send(new DescribeHostsCommand({}))).Hosts!.map((one) => one.HostId);
  assert.deepEqual(await hosts(), []);
  const machine = space.get("machine", world.host.name)!;
  const spec = { ...machine.spec, reservedForProject: "default" };
  await space.commit((tx) => tx.put<"machine">({ ...machine, spec })).durable;
  assert.deepEqual(await hosts(), [world.host.name]);
  assert.deepEqual((await world.other.send(new DescribeHostsCommand({}))).Hosts, []);
});
