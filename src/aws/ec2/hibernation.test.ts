import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceStopped,
  waitUntilVolumeAvailable,
} from "@aws-sdk/client-ec2";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;

async function launch(InstanceType: string, Configured: boolean): Promise<string[]> {
  const ImageId = InstanceType.startsWith("c.") ? world.filesImage : world.diskImage;
  const { Instances } = await send(
    new RunInstancesCommand({
      ImageId,
      InstanceType: InstanceType as "t3.micro",
      MinCount: 1,
      MaxCount: 1,
      HibernationOptions: { Configured },
    }),
  );
  const InstanceIds = [Instances![0]!.InstanceId!];
  await waitUntilInstanceRunning(wait(), { InstanceIds });
  return InstanceIds;
}

async function told(InstanceIds: string[]) {
  const { Reservations } = await send(new DescribeInstancesCommand({ InstanceIds }));
  return Reservations![0]!.Instances![0]!;
}

test("one that was launched to hibernate does, keeps its volumes as they are meanwhile, and is launched anew when it is started", async () => {
  const InstanceIds = await launch("v.small", true);
  const before = await told(InstanceIds);
  assert.equal(before.HibernationOptions!.Configured, true);
  await send(new StopInstancesCommand({ InstanceIds, Hibernate: true }));
  await waitUntilInstanceStopped(wait(), { InstanceIds });
  assert.equal((await told(InstanceIds)).StateReason!.Code, "Client.UserInitiatedHibernate");
  const { VolumeId } = await send(
    new CreateVolumeCommand({ AvailabilityZone: "us-east-1a", Size: 1 }),
  );
  await waitUntilVolumeAvailable(wait(), { VolumeIds: [VolumeId!] });
  const attach = new AttachVolumeCommand({
    VolumeId,
    InstanceId: InstanceIds[0],
    Device: "/dev/sdf",
  });
  await assert.rejects(send(attach), { name: "IncorrectInstanceState" });
  await send(new StartInstancesCommand({ InstanceIds }));
  await waitUntilInstanceRunning(wait(), { InstanceIds });
  assert.ok((await told(InstanceIds)).LaunchTime! > before.LaunchTime!);
  await send(attach);
});

test("containers cannot hibernate, nor can what was not launched to", async () => {
  await assert.rejects(launch("c.small", true), { name: "UnsupportedHibernationConfiguration" });
  const InstanceIds = await launch("v.small", false);
  await assert.rejects(send(new StopInstancesCommand({ InstanceIds, Hibernate: true })), {
    name: "UnsupportedHibernationConfiguration",
  });
  assert.equal((await told(InstanceIds)).State!.Name, "running");
});
