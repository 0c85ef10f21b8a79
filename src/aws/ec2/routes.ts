import type {
  DescribeDhcpOptionsCommandInput,
  DescribeDhcpOptionsCommandOutput,
  DescribeInternetGatewaysCommandInput,
  DescribeInternetGatewaysCommandOutput,
  DescribeNetworkAclsCommandInput,
  DescribeNetworkAclsCommandOutput,
  DescribeRouteTablesCommandInput,
  DescribeRouteTablesCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { VpcRecord } from "#/model/virtual-network.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import type { Facts } from "./filters.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";

/**
 * What EC2 has as things of their own is so of every VPC here, and follows from it: one table of routes, one gateway to outside,
 * and one list that lets everything pass. Their ids are the VPC's with another beginning.
 */
const idOf = (prefix: string, { name }: VpcRecord) => `${prefix}-${name.slice("vpc-".length)}`;

function find(prefix: string, code: string, context: AwsContext) {
  return (ids: readonly string[]): VpcRecord[] => {
    const all = new Map(ownAll("vpc", context).map((vpc) => [idOf(prefix, vpc), vpc]));
    const missing = ids.find((id) => !all.has(id));
    if (missing === undefined) return ids.map((id) => all.get(id)!);
    throw new AwsError(code, 400, `The ID '${missing.slice(0, 100)}' does not exist`);
  };
}

const noTags: Facts<VpcRecord> = { "tag:": () => [], "tag-key": () => [] };

/** To itself, and to outside. */
export const describeRouteTables: AwsOperation<
  DescribeRouteTablesCommandInput,
  DescribeRouteTablesCommandOutput
> = {
  asks: () => askOfAll("DescribeRouteTables"),
  run({ RouteTableIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: RouteTableIds, ...asked },
      {
        all: () => ownAll("vpc", context),
        find: find("rtb", "InvalidRouteTableID.NotFound", context),
        facts: {
          "route-table-id": (vpc) => idOf("rtb", vpc),
          "association.route-table-id": (vpc) => idOf("rtb", vpc),
          "association.main": () => "true",
          "association.subnet-id": () => [],
          "vpc-id": ({ name }) => name,
          "owner-id": () => context.caller.accountId,
          "route.destination-cidr-block": ({ spec }) => [spec.cidr, "0.0.0.0/0"],
          "route.gateway-id": (vpc) => ["local", idOf("igw", vpc)],
          "route.state": () => "active",
          ...noTags,
        },
      },
    );
    return {
      RouteTables: items.map((vpc) => ({
        RouteTableId: idOf("rtb", vpc),
        VpcId: vpc.name,
        OwnerId: context.caller.accountId,
        Associations: [
          {
            Main: true,
            RouteTableId: idOf("rtb", vpc),
            RouteTableAssociationId: idOf("rtbassoc", vpc),
            AssociationState: { State: "associated" as const },
          },
        ],
        Routes: [
          {
            DestinationCidrBlock: vpc.spec.cidr,
            GatewayId: "local",
            Origin: "CreateRouteTable" as const,
            State: "active" as const,
          },
          {
            DestinationCidrBlock: "0.0.0.0/0",
            GatewayId: idOf("igw", vpc),
            Origin: "CreateRoute" as const,
            State: "active" as const,
          },
        ],
        PropagatingVgws: [],
        Tags: [],
      })),
      ...more,
    };
  },
};

export const describeInternetGateways: AwsOperation<
  DescribeInternetGatewaysCommandInput,
  DescribeInternetGatewaysCommandOutput
> = {
  asks: () => askOfAll("DescribeInternetGateways"),
  run({ InternetGatewayIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: InternetGatewayIds, ...asked },
      {
        all: () => ownAll("vpc", context),
        find: find("igw", "InvalidInternetGatewayID.NotFound", context),
        facts: {
          "internet-gateway-id": (vpc) => idOf("igw", vpc),
          "attachment.vpc-id": ({ name }) => name,
          "attachment.state": () => "available",
          "owner-id": () => context.caller.accountId,
          ...noTags,
        },
      },
    );
    return {
      InternetGateways: items.map((vpc) => ({
        InternetGatewayId: idOf("igw", vpc),
        OwnerId: context.caller.accountId,
        Attachments: [{ VpcId: vpc.name, State: "available" as "attached" }],
        Tags: [],
      })),
      ...more,
    };
  },
};

/** Security groups alone say what may pass. */
export const describeNetworkAcls: AwsOperation<
  DescribeNetworkAclsCommandInput,
  DescribeNetworkAclsCommandOutput
> = {
  asks: () => askOfAll("DescribeNetworkAcls"),
  run({ NetworkAclIds, ...asked }, context) {
    const subnetsOf = ({ name }: VpcRecord) =>
      ownAll("subnet", context).flatMap((subnet) => (subnet.spec.vpc === name ? subnet.name : []));
    const { items, more } = listed(
      { ids: NetworkAclIds, ...asked },
      {
        all: () => ownAll("vpc", context),
        find: find("acl", "InvalidNetworkAclID.NotFound", context),
        facts: {
          "network-acl-id": (vpc) => idOf("acl", vpc),
          "association.network-acl-id": (vpc) => idOf("acl", vpc),
          "association.subnet-id": subnetsOf,
          "vpc-id": ({ name }) => name,
          default: () => "true",
          "owner-id": () => context.caller.accountId,
          ...noTags,
        },
      },
    );
    const entry = (Egress: boolean, RuleNumber: number, RuleAction: "allow" | "deny") => ({
      CidrBlock: "0.0.0.0/0",
      Egress,
      Protocol: "-1",
      RuleAction,
      RuleNumber,
    });
    return {
      NetworkAcls: items.map((vpc) => ({
        NetworkAclId: idOf("acl", vpc),
        VpcId: vpc.name,
        IsDefault: true,
        OwnerId: context.caller.accountId,
        Associations: subnetsOf(vpc).map((SubnetId) => ({
          NetworkAclAssociationId: `aclassoc-${SubnetId.slice("subnet-".length)}`,
          NetworkAclId: idOf("acl", vpc),
          SubnetId,
        })),
        Entries: [true, false].flatMap((isEgress) => [
          entry(isEgress, 100, "allow"),
          entry(isEgress, 32_767, "deny"),
        ]),
        Tags: [],
      })),
      ...more,
    };
  },
};

/** Nobody made any: what instances are told is the same everywhere. */
export const describeDhcpOptions: AwsOperation<
  DescribeDhcpOptionsCommandInput,
  DescribeDhcpOptionsCommandOutput
> = {
  asks: () => askOfAll("DescribeDhcpOptions"),
  run({ DhcpOptionsIds = [] }) {
    const [missing] = DhcpOptionsIds.filter((id) => id !== "default");
    if (missing !== undefined)
      throw new AwsError(
        "InvalidDhcpOptionID.NotFound",
        400,
        `The dhcpOption ID '${missing.slice(0, 100)}' does not exist`,
      );
    return { DhcpOptions: [] };
  },
};
