import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateLaunchTemplateCommand,
  CreateVolumeCommand,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { startEc2, type Ec2World } from "./testing/world.ts";

let world: Ec2World;
before(async () => (world = await startEc2()));
after(() => world.stop());

test("a client token has at most 64 ASCII characters, that of a launch template 128", async () => {
  const ImageId = world.filesImage;
  const calls = (ClientToken: string) => [
    () =>
      world.client.send(
        new RunInstancesCommand({ ImageId, MinCount: 1, MaxCount: 1, ClientToken }),
      ),
    () =>
      world.client.send(
        new CreateVolumeCommand({ AvailabilityZone: "us-east-1a", Size: 1, ClientToken }),
      ),
    () =>
      world.client.send(
        new RequestSpotInstancesCommand({ LaunchSpecification: { ImageId }, ClientToken }),
      ),
    () =>
      world.client.send(
        new CreateLaunchTemplateCommand({
          LaunchTemplateName: "template",
          LaunchTemplateData: { ImageId },
          ClientToken: ClientToken.repeat(2),
        }),
      ),
  ];
  for (const token of ["t".repeat(65), "ü", "\n"])
    for (const call of calls(token)) await assert.rejects(call, { name: "InvalidParameterValue" });
  for (const call of calls("t".repeat(64))) await call();
});
