import type {
  Address,
  AllocateAddressCommandInput,
  AllocateAddressCommandOutput,
  AssociateAddressCommandInput,
  AssociateAddressCommandOutput,
  DescribeAddressesCommandInput,
  DescribeAddressesCommandOutput,
  DisassociateAddressCommandInput,
  DisassociateAddressCommandOutput,
  ReleaseAddressCommandInput,
  ReleaseAddressCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AddressRecord } from "#/model/virtual-network.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";
import { tagList, tagsFor } from "./tag-list.ts";

export const allocateAddress: AwsOperation<
  AllocateAddressCommandInput,
  AllocateAddressCommandOutput
> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("AllocateAddress", "elastic-ip", context, TagSpecifications),
  run({ TagSpecifications }, context) {
    const tags = tagsFor("elastic-ip", TagSpecifications);
    const { name, spec } = context.parts.networks.addresses.allocate(context.caller.project, tags);
    return {
      AllocationId: name,
      PublicIp: spec.publicIp,
      Domain: "vpc",
      PublicIpv4Pool: "amazon",
      NetworkBorderGroup: context.parts.region,
    };
  },
};

/** By its allocation or by the address itself. */
function addressOf(
  { id, ip }: { id: string | undefined; ip: string | undefined },
  context: AwsContext,
): AddressRecord {
  if (id === undefined && ip !== undefined)
    return context.parts.networks.addresses.findByAddress(context.caller.project, ip);
  return ownOne("address", id, context);
}

function allocationOf(ip: string | undefined, context: AwsContext): string | undefined {
  return ownAll("address", context).find(({ spec }) => spec.publicIp === ip)?.name;
}

export const releaseAddress: AwsOperation<ReleaseAddressCommandInput, ReleaseAddressCommandOutput> =
  {
    asks: ({ AllocationId, PublicIp }, context) =>
      askOf(
        "ReleaseAddress",
        [AllocationId ?? allocationOf(PublicIp, context) ?? "eipalloc-*"],
        context,
      ),
    run({ AllocationId, PublicIp }, context) {
      const address = addressOf({ id: AllocationId, ip: PublicIp }, context);
      context.parts.networks.addresses.release(address);
      return {};
    },
  };

/** Another that the instance had goes; one that another has is taken only where that is said. */
export const associateAddress: AwsOperation<
  AssociateAddressCommandInput,
  AssociateAddressCommandOutput
> = {
  asks({ AllocationId, PublicIp, InstanceId, NetworkInterfaceId }, context) {
    const allocation = AllocationId ?? allocationOf(PublicIp, context) ?? "eipalloc-*";
    const instance = ownAll("instance", context).find(({ name, spec }) =>
      InstanceId === undefined
        ? spec.network.interface === NetworkInterfaceId
        : name === InstanceId,
    );
    const holder = [
      instance?.name ?? InstanceId ?? "i-*",
      instance?.spec.network.interface ?? NetworkInterfaceId ?? "eni-*",
    ];
    return askOf("AssociateAddress", [allocation, ...holder], context);
  },
  run(input, context) {
    const { AllocationId, PublicIp, InstanceId, NetworkInterfaceId, AllowReassociation } = input;
    const address = addressOf({ id: AllocationId, ip: PublicIp }, context);
    const instance =
      InstanceId === undefined && NetworkInterfaceId !== undefined
        ? withInterface(NetworkInterfaceId, context)
        : ownOne("instance", InstanceId, context);
    // As AWS has it of addresses in VPCs: one that is taken is taken over, unless that is forbidden.
    const takes = AllowReassociation !== false;
    const { addresses } = context.parts.networks;
    return { AssociationId: addresses.associate(address, instance, takes) };
  },
};

function withInterface(id: string, context: AwsContext) {
  const found = ownAll("instance", context).find(({ spec }) => spec.network.interface === id);
  if (found) return found;
  throw new AwsError(
    "InvalidNetworkInterfaceID.NotFound",
    400,
    `The networkInterface ID '${id.slice(0, 100)}' does not exist`,
  );
}

export const disassociateAddress: AwsOperation<
  DisassociateAddressCommandInput,
  DisassociateAddressCommandOutput
> = {
  asks: () => askOfAll("DisassociateAddress"),
  run({ AssociationId, PublicIp }, context) {
    const { addresses } = context.parts.networks;
    const { project } = context.caller;
    if (AssociationId === undefined && PublicIp === undefined)
      throw new AwsError(
        "MissingParameter",
        400,
        "The request must contain the parameter AssociationId",
      );
    const address =
      AssociationId === undefined
        ? addresses.findByAddress(project, PublicIp!)
        : addresses.findByAssociation(project, AssociationId);
    addresses.disassociate(address);
    return {};
  },
};

export const describeAddresses: AwsOperation<
  DescribeAddressesCommandInput,
  DescribeAddressesCommandOutput
> = {
  asks: () => askOfAll("DescribeAddresses"),
  run({ AllocationIds, PublicIps, Filters }, context) {
    const { addresses } = context.parts.networks;
    const byIp = PublicIps?.map((ip) => addresses.findByAddress(context.caller.project, ip));
    const { items } = listed(
      { ids: AllocationIds, Filters },
      {
        all: () => byIp ?? ownAll("address", context),
        find: (ids) => own("address", ids, context),
        facts: factsOf(context),
        pageMax: Infinity,
      },
    );
    return { Addresses: items.map((record) => addressView(record, context)) };
  },
};

function holderOf(record: AddressRecord, { parts }: AwsContext) {
  const holder = parts.networks.addresses.holderOf(record);
  return holder === undefined ? undefined : parts.space.get("instance", holder);
}

function addressView(record: AddressRecord, context: AwsContext): Address {
  const { name, spec, status } = record;
  const holder = holderOf(record, context);
  return {
    AllocationId: name,
    PublicIp: spec.publicIp,
    Domain: "vpc",
    PublicIpv4Pool: "amazon",
    NetworkBorderGroup: context.parts.region,
    ...(holder && {
      InstanceId: holder.name,
      AssociationId: status.association,
      NetworkInterfaceId: holder.spec.network.interface,
      NetworkInterfaceOwnerId: context.caller.accountId,
      PrivateIpAddress: holder.spec.network.privateIp,
    }),
    Tags: tagList(spec.tags),
  };
}

const factsOf = (context: AwsContext): Facts<AddressRecord> => ({
  "allocation-id": ({ name }) => name,
  "public-ip": ({ spec }) => spec.publicIp,
  "association-id": (record) => holderOf(record, context) && record.status.association,
  "instance-id": (record) => holderOf(record, context)?.name,
  "network-interface-id": (record) => holderOf(record, context)?.spec.network.interface,
  "private-ip-address": (record) => holderOf(record, context)?.spec.network.privateIp,
  "network-border-group": () => context.parts.region,
  domain: () => "vpc",
  ...tagFacts<AddressRecord>(),
});
