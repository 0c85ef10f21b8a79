import type {
  CreateSubnetCommandInput,
  CreateSubnetCommandOutput,
  DeleteSubnetCommandInput,
  DeleteSubnetCommandOutput,
  DescribeSubnetsCommandInput,
  DescribeSubnetsCommandOutput,
  ModifySubnetAttributeCommandInput,
  ModifySubnetAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { refuseIpv6 } from "./ipv6.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";
import { tagsFor } from "./tag-list.ts";
import { subnetFacts, subnetView } from "./vpc-view.ts";
import { requireZone, zonesOf } from "./zones.ts";

export const createSubnet: AwsOperation<CreateSubnetCommandInput, CreateSubnetCommandOutput> = {
  asks: ({ VpcId = "", TagSpecifications }, context) => [
    ...askOf("CreateSubnet", [VpcId], context),
    ...askToMake("CreateSubnet", "subnet", context, TagSpecifications),
  ],
  run({ VpcId, CidrBlock, TagSpecifications, ...more }, context) {
    const vpc = ownOne("vpc", VpcId, context);
    refuseIpv6(
      (more.Ipv6CidrBlock ?? more.Ipv6IpamPoolId) !== undefined || more.Ipv6Native === true,
    );
    if (CidrBlock === undefined)
      throw new AwsError(
        "MissingParameter",
        400,
        "The request must contain the parameter cidrBlock",
      );
    const zone = zoneOf(more.AvailabilityZone, more.AvailabilityZoneId, context);
    const made = context.parts.networks.createSubnet(vpc, {
      cidr: CidrBlock,
      tags: tagsFor("subnet", TagSpecifications),
      ...(zone !== undefined && { zone }),
    });
    return { Subnet: subnetView(made, context) };
  },
};

function zoneOf(name: string | undefined, id: string | undefined, context: AwsContext) {
  if (name !== undefined) return requireZone(name, context);
  if (id === undefined) return undefined;
  const found = zonesOf(context).find(({ ZoneId }) => ZoneId === id);
  return requireZone(found?.ZoneName ?? id, context);
}

export const deleteSubnet: AwsOperation<DeleteSubnetCommandInput, DeleteSubnetCommandOutput> = {
  asks: ({ SubnetId = "" }, context) => askOf("DeleteSubnet", [SubnetId], context),
  run({ SubnetId }, context) {
    context.parts.networks.deleteSubnet(ownOne("subnet", SubnetId, context));
    return {};
  },
};

/** Whoever has made nothing has those of the default VPC. */
export const describeSubnets: AwsOperation<
  DescribeSubnetsCommandInput,
  DescribeSubnetsCommandOutput
> = {
  asks: () => askOfAll("DescribeSubnets"),
  run({ SubnetIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: SubnetIds, ...asked },
      {
        all() {
          if (ownAll("vpc", context).length === 0)
            context.parts.networks.default(context.caller.project);
          return ownAll("subnet", context);
        },
        find: (ids) => own("subnet", ids, context),
        facts: subnetFacts(context),
      },
    );
    return { Subnets: items.map((record) => subnetView(record, context)), ...more };
  },
};

/** Whether what starts in it gets a public address; what else EC2 knows is not to be had here. */
export const modifySubnetAttribute: AwsOperation<
  ModifySubnetAttributeCommandInput,
  ModifySubnetAttributeCommandOutput
> = {
  asks: ({ SubnetId = "" }, context) => askOf("ModifySubnetAttribute", [SubnetId], context),
  run({ SubnetId, MapPublicIpOnLaunch, ...more }, context) {
    const subnet = ownOne("subnet", SubnetId, context);
    refuseIpv6(more.AssignIpv6AddressOnCreation?.Value === true);
    const others = [
      more.EnableDns64,
      more.MapCustomerOwnedIpOnLaunch,
      more.EnableResourceNameDnsAAAARecordOnLaunch,
      more.EnableResourceNameDnsARecordOnLaunch,
    ];
    if (others.some((one) => one?.Value === true))
      throw new AwsError("UnsupportedOperation", 400, "This attribute cannot be true here.");
    const givesPublicAddress = MapPublicIpOnLaunch?.Value;
    if (givesPublicAddress !== undefined)
      context.parts.networks.changeSubnet(subnet, { givesPublicAddress });
    return {};
  },
};
