import type { Subnet, Vpc } from "@aws-sdk/client-ec2";
import type { SubnetRecord, VpcRecord } from "#/model/virtual-network.ts";
import type { AwsContext } from "../call.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { tagList } from "./tag-list.ts";
import { zonesOf } from "./zones.ts";

/** Everyone's, as AWS names what nobody made. */
export const defaultDhcpOptions = "default";

export function vpcView({ name, spec }: VpcRecord, { caller }: AwsContext): Vpc {
  return {
    VpcId: name,
    State: "available",
    CidrBlock: spec.cidr,
    CidrBlockAssociationSet: [
      {
        AssociationId: `vpc-cidr-assoc-${name.slice("vpc-".length)}`,
        CidrBlock: spec.cidr,
        CidrBlockState: { State: "associated" },
      },
    ],
    DhcpOptionsId: defaultDhcpOptions,
    InstanceTenancy: "default",
    IsDefault: spec.isDefault,
    OwnerId: caller.accountId,
    Tags: tagList(spec.tags),
  };
}

export const vpcFacts = ({ caller }: AwsContext): Facts<VpcRecord> => ({
  "vpc-id": ({ name }) => name,
  cidr: ({ spec }) => spec.cidr,
  "cidr-block-association.cidr-block": ({ spec }) => spec.cidr,
  "cidr-block-association.state": () => "associated",
  "dhcp-options-id": () => defaultDhcpOptions,
  "is-default": ({ spec }) => String(spec.isDefault),
  isDefault: ({ spec }) => String(spec.isDefault),
  "owner-id": () => caller.accountId,
  state: () => "available",
  ...tagFacts<VpcRecord>(),
});

export function subnetView(record: SubnetRecord, context: AwsContext): Subnet {
  const { name, spec } = record;
  const { accountId } = context.caller;
  return {
    SubnetId: name,
    SubnetArn: `arn:aws:ec2:${context.parts.region}:${accountId}:subnet/${name}`,
    VpcId: spec.vpc,
    CidrBlock: spec.cidr,
    AvailabilityZone: spec.zone,
    AvailabilityZoneId: zoneIdOf(spec.zone, context),
    AvailableIpAddressCount: context.parts.networks.freeAddresses(record),
    DefaultForAz: spec.isDefault,
    MapPublicIpOnLaunch: spec.givesPublicAddress,
    AssignIpv6AddressOnCreation: false,
    Ipv6Native: false,
    EnableDns64: false,
    MapCustomerOwnedIpOnLaunch: false,
    PrivateDnsNameOptionsOnLaunch: {
      HostnameType: "ip-name",
      EnableResourceNameDnsARecord: false,
      EnableResourceNameDnsAAAARecord: false,
    },
    Ipv6CidrBlockAssociationSet: [],
    OwnerId: accountId,
    State: "available",
    Tags: tagList(spec.tags),
  };
}

const zoneIdOf = (zone: string, context: AwsContext) =>
  zonesOf(context).find(({ ZoneName }) => ZoneName === zone)?.ZoneId;

export const subnetFacts = (context: AwsContext): Facts<SubnetRecord> => ({
  "subnet-id": ({ name }) => name,
  "subnet-arn": ({ name }) =>
    `arn:aws:ec2:${context.parts.region}:${context.caller.accountId}:subnet/${name}`,
  "vpc-id": ({ spec }) => spec.vpc,
  cidr: ({ spec }) => spec.cidr,
  "cidr-block": ({ spec }) => spec.cidr,
  cidrBlock: ({ spec }) => spec.cidr,
  "availability-zone": ({ spec }) => spec.zone,
  availabilityZone: ({ spec }) => spec.zone,
  "availability-zone-id": ({ spec }) => zoneIdOf(spec.zone, context),
  "available-ip-address-count": (record) => String(context.parts.networks.freeAddresses(record)),
  "default-for-az": ({ spec }) => String(spec.isDefault),
  defaultForAz: ({ spec }) => String(spec.isDefault),
  "map-public-ip-on-launch": ({ spec }) => String(spec.givesPublicAddress),
  "owner-id": () => context.caller.accountId,
  state: () => "available",
  ...tagFacts<SubnetRecord>(),
});
