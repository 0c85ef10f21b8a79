import type {
  DescribeNetworkInterfacesCommandInput,
  DescribeNetworkInterfacesCommandOutput,
  NetworkInterface,
} from "@aws-sdk/client-ec2";
import { hostnameOf } from "#/instances/orders.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import type { Facts } from "./filters.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";

/** Each instance has one, which lives as long as it does. */
export const describeNetworkInterfaces: AwsOperation<
  DescribeNetworkInterfacesCommandInput,
  DescribeNetworkInterfacesCommandOutput
> = {
  asks: () => askOfAll("DescribeNetworkInterfaces"),
  run({ NetworkInterfaceIds, ...asked }, context) {
    const all = () =>
      ownAll("instance", context).filter(({ status }) => status.state !== "terminated");
    const { items, more } = listed(
      { ids: NetworkInterfaceIds, ...asked },
      { all, find: (ids) => find(ids, all()), facts: factsOf(context) },
    );
    return { NetworkInterfaces: items.map((record) => interfaceView(record, context)), ...more };
  },
};

function find(ids: readonly string[], all: readonly InstanceRecord[]): InstanceRecord[] {
  const missing = ids.find((id) => !all.some(({ spec }) => spec.network.interface === id));
  if (missing === undefined) return all.filter(({ spec }) => ids.includes(spec.network.interface));
  const isId = /^eni-[0-9a-f]{8,17}$/.test(missing);
  throw new AwsError(
    isId ? "InvalidNetworkInterfaceID.NotFound" : "InvalidNetworkInterfaceId.Malformed",
    400,
    isId
      ? `The networkInterface ID '${missing}' does not exist`
      : `Invalid id: "${missing.slice(0, 100)}" (expecting "eni-...")`,
  );
}

function interfaceView(
  { name, spec, status }: InstanceRecord,
  context: AwsContext,
): NetworkInterface {
  const { parts, caller } = context;
  const { network } = spec;
  const PrivateDnsName = `${hostnameOf(network.privateIp)}.ec2.internal`;
  const Association =
    status.publicIp === undefined
      ? undefined
      : { PublicIp: status.publicIp, PublicDnsName: status.publicIp, IpOwnerId: "amazon" };
  return {
    NetworkInterfaceId: network.interface,
    InterfaceType: "interface",
    Status: "in-use",
    Description: "",
    SubnetId: network.subnet,
    VpcId: network.vpc,
    AvailabilityZone: parts.space.get("subnet", network.subnet)?.spec.zone,
    OwnerId: caller.accountId,
    RequesterManaged: false,
    SourceDestCheck: true,
    MacAddress: network.mac,
    PrivateIpAddress: network.privateIp,
    PrivateDnsName,
    PrivateIpAddresses: [
      { Primary: true, PrivateIpAddress: network.privateIp, PrivateDnsName, Association },
    ],
    Ipv6Addresses: [],
    Groups: network.groups.map((GroupId) => ({
      GroupId,
      GroupName: parts.space.get("security-group", GroupId)?.spec.title ?? "",
    })),
    Attachment: {
      AttachmentId: `eni-attach-${network.interface.slice("eni-".length)}`,
      AttachTime: new Date(spec.launchedAt),
      DeleteOnTermination: true,
      DeviceIndex: 0,
      NetworkCardIndex: 0,
      InstanceId: name,
      InstanceOwnerId: caller.accountId,
      Status: "attached",
    },
    ...(Association && { Association }),
    TagSet: [],
  };
}

const factsOf = ({ parts, caller }: AwsContext): Facts<InstanceRecord> => ({
  "network-interface-id": ({ spec }) => spec.network.interface,
  "attachment.instance-id": ({ name }) => name,
  "attachment.status": () => "attached",
  "attachment.device-index": () => "0",
  "attachment.delete-on-termination": () => "true",
  "addresses.private-ip-address": ({ spec }) => spec.network.privateIp,
  "private-ip-address": ({ spec }) => spec.network.privateIp,
  "private-dns-name": ({ spec }) => `${hostnameOf(spec.network.privateIp)}.ec2.internal`,
  "association.public-ip": ({ status }) => status.publicIp,
  "availability-zone": ({ spec }) => parts.space.get("subnet", spec.network.subnet)?.spec.zone,
  "group-id": ({ spec }) => spec.network.groups,
  "group-name": ({ spec }) =>
    spec.network.groups.flatMap((id) => parts.space.get("security-group", id)?.spec.title ?? []),
  "interface-type": () => "interface",
  "mac-address": ({ spec }) => spec.network.mac,
  "owner-id": () => caller.accountId,
  "requester-managed": () => "false",
  "source-dest-check": () => "true",
  status: () => "in-use",
  "subnet-id": ({ spec }) => spec.network.subnet,
  "vpc-id": ({ spec }) => spec.network.vpc,
  "tag:": () => [],
  "tag-key": () => [],
});
