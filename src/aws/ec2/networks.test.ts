import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateTagsCommand,
  CreateVpcCommand,
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeAddressesCommand,
  DescribeKeyPairsCommand,
  DescribeNetworkAclsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  DisassociateAddressCommand,
  ImportKeyPairCommand,
  ModifySecurityGroupRulesCommand,
  ModifySubnetAttributeCommand,
  ModifyVpcAttributeCommand,
  ReleaseAddressCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  UpdateSecurityGroupRuleDescriptionsIngressCommand,
  waitUntilInstanceRunning,
  waitUntilKeyPairExists,
  waitUntilSecurityGroupExists,
  waitUntilSubnetAvailable,
  waitUntilVpcAvailable,
} from "@aws-sdk/client-ec2";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;

test("whoever has made nothing has a default VPC with a subnet and a group", async () => {
  const { Vpcs } = await send(new DescribeVpcsCommand({}));
  assert.deepEqual(
    Vpcs!.map(({ IsDefault, CidrBlock }) => [IsDefault, CidrBlock]),
    [[true, "172.31.0.0/16"]],
  );
  const ofVpc = { Filters: [{ Name: "vpc-id", Values: [Vpcs![0]!.VpcId!] }] };
  const { Subnets } = await send(new DescribeSubnetsCommand(ofVpc));
  assert.equal(Subnets![0]!.AvailableIpAddressCount, 4091);
  const { SecurityGroups } = await send(new DescribeSecurityGroupsCommand(ofVpc));
  assert.equal(SecurityGroups![0]!.GroupName, "default");
  const { RouteTables } = await send(new DescribeRouteTablesCommand(ofVpc));
  assert.equal(RouteTables![0]!.Routes!.length, 2);
  const { NetworkAcls } = await send(new DescribeNetworkAclsCommand(ofVpc));
  assert.deepEqual(
    NetworkAcls![0]!.Associations!.map(({ SubnetId }) => SubnetId),
    [Subnets![0]!.SubnetId],
  );
});

test("a VPC and its subnets are made, changed and deleted, and say why when they cannot be", async () => {
  const { Vpc } = await send(
    new CreateVpcCommand({
      CidrBlock: "10.1.0.0/16",
      TagSpecifications: [{ ResourceType: "vpc", Tags: [{ Key: "Name", Value: "one" }] }],
    }),
  );
  const VpcId = Vpc!.VpcId!;
  await waitUntilVpcAvailable(wait(), { VpcIds: [VpcId] });
  const { Subnet } = await send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.1.1.0/24" }));
  const SubnetId = Subnet!.SubnetId!;
  await waitUntilSubnetAvailable(wait(), { SubnetIds: [SubnetId] });
  await assert.rejects(send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.1.1.128/25" })), {
    name: "InvalidSubnet.Conflict",
  });
  await assert.rejects(send(new DeleteVpcCommand({ VpcId })), { name: "DependencyViolation" });
  await send(new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: true } }));
  const subnets = await send(
    new DescribeSubnetsCommand({
      Filters: [
        { Name: "map-public-ip-on-launch", Values: ["true"] },
        { Name: "vpc-id", Values: [VpcId] },
      ],
    }),
  );
  assert.equal(subnets.Subnets!.length, 1);
  await send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: false } }));
  const attribute = await send(
    new DescribeVpcAttributeCommand({ VpcId, Attribute: "enableDnsHostnames" }),
  );
  assert.equal(attribute.EnableDnsHostnames!.Value, false);
  await assert.rejects(world.other.send(new DeleteSubnetCommand({ SubnetId })), {
    name: "InvalidSubnetID.NotFound",
  });
  await assert.rejects(
    world.other.send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.1.2.0/24" })),
    {
      name: "InvalidVpcID.NotFound",
    },
  );
  await send(new DeleteSubnetCommand({ SubnetId }));
  await send(new DeleteVpcCommand({ VpcId }));
  await assert.rejects(send(new DescribeVpcsCommand({ VpcIds: [VpcId] })), {
    name: "InvalidVpcID.NotFound",
  });
  await assert.rejects(send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/8" })), {
    name: "InvalidVpc.Range",
  });
});

test("what asks for IPv6 is told that there is none, and nothing is made", async () => {
  const VpcId = (await send(new DescribeVpcsCommand({}))).Vpcs![0]!.VpcId!;
  const { GroupId } = await send(
    new CreateSecurityGroupCommand({ GroupName: "six", Description: "of version 6" }),
  );
  const run = { ImageId: world.filesImage, MinCount: 1, MaxCount: 1 };
  const rule = { IpProtocol: "tcp", FromPort: 80, ToPort: 80 };
  const Ipv6Ranges = [{ CidrIpv6: "::/0" }];
  for (const command of [
    new RunInstancesCommand({ ...run, Ipv6AddressCount: 1 }),
    new RunInstancesCommand({ ...run, Ipv6Addresses: [{ Ipv6Address: "2001:db8::5" }] }),
    new RunInstancesCommand({
      ...run,
      NetworkInterfaces: [{ DeviceIndex: 0, Ipv6AddressCount: 1 }],
    }),
    new RunInstancesCommand({ ...run, MetadataOptions: { HttpProtocolIpv6: "enabled" } }),
    new CreateVpcCommand({ CidrBlock: "10.9.0.0/16", AmazonProvidedIpv6CidrBlock: true }),
    new CreateSubnetCommand({ VpcId, Ipv6Native: true, Ipv6CidrBlock: "2001:db8::/64" }),
    new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [{ ...rule, Ipv6Ranges }] }),
  ])
    await assert.rejects(send(command as never), {
      name: "UnsupportedOperation",
      message: /IPv6/,
    });
  assert.equal((await send(new DescribeVpcsCommand({}))).Vpcs!.length, 1);
  await send(new DeleteSecurityGroupCommand({ GroupId }));
});

test("an instance is given the address that is asked for, if its subnet has it and it is free", async () => {
  const launch = (PrivateIpAddress: string, MaxCount = 1) =>
    send(
      new RunInstancesCommand({
        ImageId: world.filesImage,
        InstanceType: "c.nano" as never,
        MinCount: 1,
        MaxCount,
        PrivateIpAddress,
      }),
    );
  const { Instances } = await launch("172.31.0.77");
  assert.equal(Instances![0]!.PrivateIpAddress, "172.31.0.77");
  await assert.rejects(launch("172.31.0.77"), { name: "InvalidIPAddress.InUse" });
  for (const address of ["172.31.0.3", "10.0.0.9", "172.31.15.255", "what"])
    await assert.rejects(launch(address), { name: "InvalidParameterValue" });
  await assert.rejects(launch("172.31.0.78", 2), { name: "InvalidParameterCombination" });
});

test("rules of groups are added, found, changed, described and taken away", async () => {
  const { GroupId } = await send(
    new CreateSecurityGroupCommand({ GroupName: "web", Description: "of the web" }),
  );
  await waitUntilSecurityGroupExists(wait(), { GroupIds: [GroupId!] });
  const ssh = { IpProtocol: "tcp", FromPort: 22, ToPort: 22 };
  const IpPermissions = [
    {
      ...ssh,
      IpRanges: [{ CidrIp: "10.0.0.0/8", Description: "inside" }, { CidrIp: "192.0.2.0/24" }],
    },
    { IpProtocol: "-1", UserIdGroupPairs: [{ GroupId }] },
  ];
  const added = await send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  assert.equal(added.SecurityGroupRules!.length, 3);
  await assert.rejects(
    send(new AuthorizeSecurityGroupIngressCommand({ GroupId, ...ssh, CidrIp: "10.0.0.0/8" })),
    { name: "InvalidPermission.Duplicate" },
  );
  const group = async () =>
    (await send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId!] }))).SecurityGroups![0]!;
  assert.deepEqual((await group()).IpPermissions![0]!.IpRanges, [
    { CidrIp: "10.0.0.0/8", Description: "inside" },
    { CidrIp: "192.0.2.0/24" },
  ]);
  const [first] = added.SecurityGroupRules!;
  await send(
    new ModifySecurityGroupRulesCommand({
      GroupId,
      SecurityGroupRules: [
        {
          SecurityGroupRuleId: first!.SecurityGroupRuleId,
          SecurityGroupRule: {
            IpProtocol: "udp",
            FromPort: 53,
            ToPort: 53,
            CidrIpv4: "10.0.0.0/8",
          },
        },
      ],
    }),
  );
  await send(
    new UpdateSecurityGroupRuleDescriptionsIngressCommand({
      GroupId,
      IpPermissions: [{ ...ssh, IpRanges: [{ CidrIp: "192.0.2.0/24", Description: "outside" }] }],
    }),
  );
  const { SecurityGroupRules } = await send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: "group-id", Values: [GroupId!] }] }),
  );
  assert.deepEqual(
    SecurityGroupRules!
      .filter(({ CidrIpv4 }) => CidrIpv4 !== "0.0.0.0/0")
      .map(({ IpProtocol, FromPort, Description }) => `${IpProtocol} ${FromPort} ${Description}`)
      .toSorted((a, b) => a.localeCompare(b)),
    ["-1 -1 undefined", "tcp 22 outside", "udp 53 undefined"],
  );
  await send(
    new RevokeSecurityGroupIngressCommand({
      GroupId,
      SecurityGroupRuleIds: [first!.SecurityGroupRuleId!],
    }),
  );
  await send(
    new RevokeSecurityGroupEgressCommand({
      GroupId,
      IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
    }),
  );
  assert.deepEqual((await group()).IpPermissionsEgress, []);
  await assert.rejects(
    send(new RevokeSecurityGroupIngressCommand({ GroupId, ...ssh, CidrIp: "10.9.0.0/16" })),
    { name: "InvalidPermission.NotFound" },
  );
  await assert.rejects(world.other.send(new DeleteSecurityGroupCommand({ GroupId })), {
    name: "InvalidGroup.NotFound",
  });
  await send(new DeleteSecurityGroupCommand({ GroupId }));
});

test("key pairs are made, imported, tagged by id and deleted, also twice", async () => {
  const { KeyMaterial, KeyPairId } = await send(
    new CreateKeyPairCommand({ KeyName: "mine", KeyType: "ed25519" }),
  );
  assert.match(KeyMaterial!, /^-----BEGIN/);
  await waitUntilKeyPairExists(wait(), { KeyNames: ["mine"] });
  await send(new CreateTagsCommand({ Resources: [KeyPairId!], Tags: [{ Key: "a", Value: "b" }] }));
  const { KeyPairs } = await send(
    new DescribeKeyPairsCommand({
      IncludePublicKey: true,
      Filters: [{ Name: "tag:a", Values: ["b"] }],
    }),
  );
  const [key] = KeyPairs!;
  assert.equal(key!.KeyPairId, KeyPairId);
  const imported = await send(
    new ImportKeyPairCommand({ KeyName: "same", PublicKeyMaterial: Buffer.from(key!.PublicKey!) }),
  );
  assert.equal(imported.KeyFingerprint, key!.KeyFingerprint);
  await assert.rejects(
    send(new ImportKeyPairCommand({ KeyName: "bad", PublicKeyMaterial: Buffer.from("what") })),
    { name: "InvalidKey.Format" },
  );
  await assert.rejects(send(new CreateKeyPairCommand({ KeyName: "mine" })), {
    name: "InvalidKeyPair.Duplicate",
  });
  await send(new DeleteKeyPairCommand({ KeyName: "mine" }));
  await send(new DeleteKeyPairCommand({ KeyName: "mine" }));
  await assert.rejects(send(new DescribeKeyPairsCommand({ KeyNames: ["mine"] })), {
    name: "InvalidKeyPair.NotFound",
  });
});

test("an address of one's own goes from instance to instance; interfaces tell of both", async () => {
  const launch = async () => {
    const { Instances } = await send(
      new RunInstancesCommand({
        ImageId: world.filesImage,
        InstanceType: "c.nano" as never,
        MinCount: 1,
        MaxCount: 1,
      }),
    );
    const InstanceId = Instances![0]!.InstanceId!;
    await waitUntilInstanceRunning(wait(), { InstanceIds: [InstanceId] });
    return InstanceId;
  };
  const [one, two] = [await launch(), await launch()];
  const { AllocationId } = await send(new AllocateAddressCommand({ Domain: "vpc" }));
  await send(new AssociateAddressCommand({ AllocationId, InstanceId: one }));
  await assert.rejects(
    send(new AssociateAddressCommand({ AllocationId, InstanceId: two, AllowReassociation: false })),
    { name: "Resource.AlreadyAssociated" },
  );
  const { AssociationId } = await send(
    new AssociateAddressCommand({ AllocationId, InstanceId: two }),
  );
  const { Addresses } = await send(
    new DescribeAddressesCommand({ Filters: [{ Name: "instance-id", Values: [two] }] }),
  );
  assert.equal(Addresses![0]!.AllocationId, AllocationId);
  await assert.rejects(send(new ReleaseAddressCommand({ AllocationId })), {
    name: "InvalidIPAddress.InUse",
  });
  const { NetworkInterfaces } = await send(
    new DescribeNetworkInterfacesCommand({
      Filters: [{ Name: "attachment.instance-id", Values: [two] }],
    }),
  );
  assert.equal(NetworkInterfaces![0]!.NetworkInterfaceId, Addresses![0]!.NetworkInterfaceId);
  await assert.rejects(
    world.other.send(new DescribeAddressesCommand({ AllocationIds: [AllocationId!] })),
    { name: "InvalidAllocationID.NotFound" },
  );
  await send(new DisassociateAddressCommand({ AssociationId }));
  await send(new ReleaseAddressCommand({ AllocationId }));
});
