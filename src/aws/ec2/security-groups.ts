import type {
  CreateSecurityGroupCommandInput,
  CreateSecurityGroupCommandOutput,
  DeleteSecurityGroupCommandInput,
  DeleteSecurityGroupCommandOutput,
  DescribeSecurityGroupsCommandInput,
  DescribeSecurityGroupsCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { SecurityGroupRecord } from "#/model/virtual-network.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";
import { securityGroupFacts, securityGroupView } from "./security-group-view.ts";
import { tagList, tagsFor } from "./tag-list.ts";

export const createSecurityGroup: AwsOperation<
  CreateSecurityGroupCommandInput,
  CreateSecurityGroupCommandOutput
> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CreateSecurityGroup", "security-group", context, TagSpecifications),
  run({ VpcId, GroupName = "", Description = "", TagSpecifications }, context) {
    const { parts, caller } = context;
    const { networks, region } = parts;
    const vpc =
      VpcId === undefined ? networks.default(caller.project).vpc : ownOne("vpc", VpcId, context);
    const tags = tagsFor("security-group", TagSpecifications);
    const asked = { title: GroupName, description: Description, tags };
    const { name } = networks.groups.create(vpc, asked);
    return {
      GroupId: name,
      SecurityGroupArn: `arn:aws:ec2:${region}:${caller.accountId}:security-group/${name}`,
      Tags: tagList(tags),
    };
  },
};

/** By its id; or by its title, in the default VPC. */
export function groupNamed(
  { GroupId, GroupName }: { GroupId?: string | undefined; GroupName?: string | undefined },
  context: AwsContext,
): SecurityGroupRecord {
  const { networks } = context.parts;
  if (GroupId === undefined && GroupName !== undefined)
    return networks.groups.findByTitle(networks.default(context.caller.project).vpc, GroupName);
  return ownOne("security-group", GroupId, context);
}

export const deleteSecurityGroup: AwsOperation<
  DeleteSecurityGroupCommandInput,
  DeleteSecurityGroupCommandOutput
> = {
  asks: ({ GroupId = "sg-*" }, context) => askOf("DeleteSecurityGroup", [GroupId], context),
  run(input, context) {
    const group = groupNamed(input, context);
    context.parts.networks.groups.delete(group);
    return { Return: true, GroupId: group.name };
  },
};

/** Whoever has made nothing has the default group of the default VPC. */
export const describeSecurityGroups: AwsOperation<
  DescribeSecurityGroupsCommandInput,
  DescribeSecurityGroupsCommandOutput
> = {
  asks: () => askOfAll("DescribeSecurityGroups"),
  run({ GroupIds, GroupNames = [], ...asked }, context) {
    const { networks } = context.parts;
    const { items, more } = listed(
      { ids: GroupIds, ...asked },
      {
        all() {
          if (ownAll("vpc", context).length === 0) networks.default(context.caller.project);
          const all = ownAll("security-group", context);
          return GroupNames.length === 0 ? all : titled(GroupNames, all);
        },
        find: (ids) => own("security-group", ids, context),
        facts: securityGroupFacts(context),
      },
    );
    return { SecurityGroups: items.map((record) => securityGroupView(record, context)), ...more };
  },
};

function titled(titles: readonly string[], all: SecurityGroupRecord[]): SecurityGroupRecord[] {
  const missing = titles.find((title) => !all.some(({ spec }) => spec.title === title));
  if (missing === undefined) return all.filter(({ spec }) => titles.includes(spec.title));
  throw new AwsError(
    "InvalidGroup.NotFound",
    400,
    `The security group '${missing.slice(0, 255)}' does not exist`,
  );
}
