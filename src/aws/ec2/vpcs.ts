import type {
  CreateDefaultVpcCommandInput,
  CreateDefaultVpcCommandOutput,
  CreateVpcCommandInput,
  CreateVpcCommandOutput,
  DeleteVpcCommandInput,
  DeleteVpcCommandOutput,
  DescribeVpcAttributeCommandInput,
  DescribeVpcAttributeCommandOutput,
  DescribeVpcsCommandInput,
  DescribeVpcsCommandOutput,
  ModifyVpcAttributeCommandInput,
  ModifyVpcAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { VpcRecord } from "#/model/virtual-network.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { refuseIpv6 } from "./ipv6.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";
import { tagsFor } from "./tag-list.ts";
import { vpcFacts, vpcView } from "./vpc-view.ts";

export const createVpc: AwsOperation<CreateVpcCommandInput, CreateVpcCommandOutput> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CreateVpc", "vpc", context, TagSpecifications),
  run({ CidrBlock, TagSpecifications, InstanceTenancy, ...more }, context) {
    if (CidrBlock === undefined)
      throw new AwsError(
        "MissingParameter",
        400,
        "The request must contain the parameter cidrBlock",
      );
    refuseIpv6(
      more.AmazonProvidedIpv6CidrBlock === true ||
        (more.Ipv6CidrBlock ?? more.Ipv6IpamPoolId ?? more.Ipv6Pool) !== undefined,
    );
    if (more.Ipv4IpamPoolId !== undefined)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "There are no pools of IPAM here: name a CIDR block.",
      );
    if (InstanceTenancy !== undefined && InstanceTenancy !== "default")
      throw new AwsError("UnsupportedOperation", 400, "Tenancy is always 'default' here.");
    const tags = tagsFor("vpc", TagSpecifications);
    const made = context.parts.networks.createVpc(context.caller.project, CidrBlock, tags);
    return { Vpc: vpcView(made, context) };
  },
};

export const createDefaultVpc: AwsOperation<
  CreateDefaultVpcCommandInput,
  CreateDefaultVpcCommandOutput
> = {
  asks: (_input, context) => askToMake("CreateDefaultVpc", "vpc", context),
  run: (_input, context) => ({
    Vpc: vpcView(context.parts.networks.createDefaultVpc(context.caller.project), context),
  }),
};

export const deleteVpc: AwsOperation<DeleteVpcCommandInput, DeleteVpcCommandOutput> = {
  asks: ({ VpcId = "" }, context) => askOf("DeleteVpc", [VpcId], context),
  run({ VpcId }, context) {
    context.parts.networks.deleteVpc(ownOne("vpc", VpcId, context));
    return {};
  },
};

/** The caller's. The default one is made when it is asked for first: whoever has made nothing has it. */
export function allVpcs(context: AwsContext): VpcRecord[] {
  if (ownAll("vpc", context).length === 0) context.parts.networks.default(context.caller.project);
  return ownAll("vpc", context);
}

export const describeVpcs: AwsOperation<DescribeVpcsCommandInput, DescribeVpcsCommandOutput> = {
  asks: () => askOfAll("DescribeVpcs"),
  run({ VpcIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: VpcIds, ...asked },
      {
        all: () => allVpcs(context),
        find: (ids) => own("vpc", ids, context),
        facts: vpcFacts(context),
      },
    );
    return { Vpcs: items.map((record) => vpcView(record, context)), ...more };
  },
};

export const describeVpcAttribute: AwsOperation<
  DescribeVpcAttributeCommandInput,
  DescribeVpcAttributeCommandOutput
> = {
  asks: ({ VpcId = "" }, context) => askOf("DescribeVpcAttribute", [VpcId], context),
  run({ VpcId, Attribute }, context) {
    const { name, spec } = ownOne("vpc", VpcId, context);
    switch (Attribute) {
      case "enableDnsSupport":
        return { VpcId: name, EnableDnsSupport: { Value: true } };
      case "enableDnsHostnames":
        return { VpcId: name, EnableDnsHostnames: { Value: spec.hasDnsNames } };
      case "enableNetworkAddressUsageMetrics":
        return { VpcId: name, EnableNetworkAddressUsageMetrics: { Value: false } };
      default:
        throw new AwsError(
          "InvalidParameterValue",
          400,
          `Value (${String(Attribute).slice(0, 100)}) for parameter attribute is invalid.`,
        );
    }
  },
};

export const modifyVpcAttribute: AwsOperation<
  ModifyVpcAttributeCommandInput,
  ModifyVpcAttributeCommandOutput
> = {
  asks: ({ VpcId = "" }, context) => askOf("ModifyVpcAttribute", [VpcId], context),
  run({ VpcId, EnableDnsHostnames, EnableDnsSupport, ...more }, context) {
    const vpc = ownOne("vpc", VpcId, context);
    if (EnableDnsSupport?.Value === false)
      throw new AwsError("UnsupportedOperation", 400, "Names are always resolved here.");
    if (more.EnableNetworkAddressUsageMetrics?.Value === true)
      throw new AwsError("UnsupportedOperation", 400, "There are no metrics of addresses here.");
    const hasDnsNames = EnableDnsHostnames?.Value;
    if (hasDnsNames !== undefined) context.parts.networks.changeVpc(vpc, { hasDnsNames });
    return {};
  },
};
