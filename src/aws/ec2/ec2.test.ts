import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateLaunchTemplateCommand,
  CreateVolumeCommand,
  DescribeAccountAttributesCommand,
  DescribeAvailabilityZonesCommand,
  DescribeFleetsCommand,
  DescribeRegionsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { clientOptions, startAwsPort } from "../testing/aws-port.ts";

let aws: Awaited<ReturnType<typeof startAwsPort>>;
let client: EC2Client;
before(async () => {
  aws = await startAwsPort();
  client = new EC2Client(clientOptions(aws.endpoint));
});
after(() => aws.stop());

test("a cloud is one region, its zones are the machines that joined and each site", async () => {
  const { Regions } = await client.send(new DescribeRegionsCommand({}));
  assert.deepEqual(
    Regions!.map(({ RegionName, Endpoint }) => [RegionName, Endpoint]),
    [["us-east-1", new URL(aws.endpoint).host]],
  );
  const zones = async () =>
    (await client.send(new DescribeAvailabilityZonesCommand({}))).AvailabilityZones!.map(
      ({ ZoneName, ZoneId, State }) => [ZoneName, ZoneId, State],
    );
  assert.deepEqual(await zones(), [["us-east-1a", "use1-az1", "available"]]);
  await aws.parts.space.commit((tx) =>
    tx.put<"site">({
      kind: "site",
      project: "",
      name: "away",
      spec: { createdAt: 0, config: { driver: "ssh" } as never },
      status: { health: "unhealthy", since: 0 },
    }),
  ).durable;
  assert.deepEqual((await zones())[1], ["us-east-1b", "use1-az2", "unavailable"]);
});

test("filters pass what fits them, and unknown ones and names are refused", async () => {
  const zonesBy = async (Name: string, ...Values: string[]) =>
    (await client.send(new DescribeAvailabilityZonesCommand({ Filters: [{ Name, Values }] })))
      .AvailabilityZones!.length;
  assert.equal(await zonesBy("zone-name", "us-*-1a"), 1);
  assert.equal(await zonesBy("zone-name", "eu-*"), 0);
  assert.equal(await zonesBy("state", "avail?ble", "x"), 1);
  await assert.rejects(zonesBy("nothing", "x"), { name: "InvalidParameterValue" });
  await assert.rejects(client.send(new DescribeRegionsCommand({ RegionNames: ["eu-1"] })), {
    name: "InvalidParameterValue",
  });
});

test("DryRun says that it would have been done; what is not there is InvalidAction", async () => {
  await assert.rejects(client.send(new DescribeRegionsCommand({ DryRun: true })), {
    name: "DryRunOperation",
  });
  await assert.rejects(client.send(new DescribeFleetsCommand({})), { name: "InvalidAction" });
});

test("an account's attributes are told by name, its default VPC by its id", async () => {
  const { AccountAttributes } = await client.send(
    new DescribeAccountAttributesCommand({ AttributeNames: ["default-vpc"] }),
  );
  const { Vpcs } = await client.send(new DescribeVpcsCommand({}));
  assert.deepEqual(AccountAttributes, [
    { AttributeName: "default-vpc", AttributeValues: [{ AttributeValue: Vpcs![0]!.VpcId }] },
  ]);
});

test("numbers are whole, but where EC2 has others", async () => {
  const volume = { AvailabilityZone: "us-east-1a" };
  for (const Size of [1.5, Infinity, -Infinity, NaN])
    await assert.rejects(client.send(new CreateVolumeCommand({ ...volume, Size })), {
      name: "InvalidParameterValue",
    });
  const range = { Min: 0.5, Max: 1.5 };
  const InstanceRequirements = {
    VCpuCount: { Min: 1 },
    MemoryMiB: { Min: 512 },
    MemoryGiBPerVCpu: range,
    NetworkBandwidthGbps: range,
    TotalLocalStorageGB: range,
  };
  await client.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: "fractions",
      LaunchTemplateData: { InstanceRequirements },
    }),
  );
});
