import type {
  AuthorizeSecurityGroupEgressCommandInput,
  AuthorizeSecurityGroupEgressCommandOutput,
  AuthorizeSecurityGroupIngressCommandInput,
  AuthorizeSecurityGroupIngressCommandOutput,
  DescribeSecurityGroupRulesCommandInput,
  DescribeSecurityGroupRulesCommandOutput,
  RevokeSecurityGroupEgressCommandInput,
  RevokeSecurityGroupEgressCommandOutput,
  RevokeSecurityGroupIngressCommandInput,
  RevokeSecurityGroupIngressCommandOutput,
} from "@aws-sdk/client-ec2";
import type { RuleSide } from "#/instances/security-groups.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { SecurityGroupRecord, SecurityRule } from "#/model/virtual-network.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll } from "./asks.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";
import { ruleView, rulesAsked, type RulesNamed } from "./rule-asked.ts";
import { groupNamed } from "./security-groups.ts";

type Named = RulesNamed & { GroupId?: string | undefined; GroupName?: string | undefined };

function authorize(side: RuleSide, input: Named, context: AwsContext) {
  const group = groupNamed(input, context);
  const { groups } = context.parts.networks;
  const added = groups.authorize(group, side, rulesAsked(input, group, context));
  return {
    Return: true,
    SecurityGroupRules: added.map((rule) => ruleView(rule, { group, side }, context)),
  };
}

function revoke(
  side: RuleSide,
  input: Named & { SecurityGroupRuleIds?: string[] | undefined },
  context: AwsContext,
) {
  const group = groupNamed(input, context);
  const { SecurityGroupRuleIds: ids = [] } = input;
  const asked = ids.length > 0 ? ids.map((id) => ({ id })) : rulesAsked(input, group, context);
  const gone = context.parts.networks.groups.revoke(group, side, asked);
  return {
    Return: true,
    RevokedSecurityGroupRules: gone.map((rule) => {
      const view = ruleView(rule, { group, side }, context);
      const { SecurityGroupRuleId, GroupId, IsEgress, IpProtocol, FromPort, ToPort } = view;
      const { CidrIpv4, Description } = view;
      const said = { SecurityGroupRuleId, GroupId, IsEgress, IpProtocol, FromPort, ToPort };
      return { ...said, CidrIpv4, Description, ReferencedGroupId: rule.group };
    }),
  };
}

export const authorizeSecurityGroupIngress: AwsOperation<
  AuthorizeSecurityGroupIngressCommandInput,
  AuthorizeSecurityGroupIngressCommandOutput
> = {
  asks: ({ GroupId = "sg-*" }, context) =>
    askOf("AuthorizeSecurityGroupIngress", [GroupId], context),
  run: (input, context) => authorize("ingress", input, context),
};

export const authorizeSecurityGroupEgress: AwsOperation<
  AuthorizeSecurityGroupEgressCommandInput,
  AuthorizeSecurityGroupEgressCommandOutput
> = {
  asks: ({ GroupId = "" }, context) => askOf("AuthorizeSecurityGroupEgress", [GroupId], context),
  run: (input, context) => authorize("egress", input, context),
};

export const revokeSecurityGroupIngress: AwsOperation<
  RevokeSecurityGroupIngressCommandInput,
  RevokeSecurityGroupIngressCommandOutput
> = {
  asks: ({ GroupId = "sg-*" }, context) => askOf("RevokeSecurityGroupIngress", [GroupId], context),
  run: (input, context) => revoke("ingress", input, context),
};

export const revokeSecurityGroupEgress: AwsOperation<
  RevokeSecurityGroupEgressCommandInput,
  RevokeSecurityGroupEgressCommandOutput
> = {
  asks: ({ GroupId = "" }, context) => askOf("RevokeSecurityGroupEgress", [GroupId], context),
  run: (input, context) => revoke("egress", input, context),
};

/** A rule and where it stands. */
export interface PlacedRule {
  rule: SecurityRule;
  group: SecurityGroupRecord;
  side: RuleSide;
  serial: number;
}

export function allRules(context: AwsContext): PlacedRule[] {
  return ownAll("security-group", context).flatMap((group) =>
    (["ingress", "egress"] as const).flatMap((side) =>
      group.spec[side].map((rule) => ({ rule, group, side, serial: group.serial })),
    ),
  );
}

/** Throws "InvalidSecurityGroupRuleId.NotFound", also for those of others. */
export function rulesById(ids: readonly string[], context: AwsContext): PlacedRule[] {
  const all = new Map(allRules(context).map((placed) => [placed.rule.id, placed]));
  const missing = ids.find((id) => !all.has(id));
  if (missing === undefined) return ids.map((id) => all.get(id)!);
  const isId = /^sgr-[0-9a-f]{8,17}$/.test(missing);
  throw new AwsError(
    isId ? "InvalidSecurityGroupRuleId.NotFound" : "InvalidSecurityGroupRuleId.Malformed",
    400,
    isId
      ? `The security group rule ID '${missing}' does not exist`
      : `Invalid id: "${missing.slice(0, 100)}" (expecting "sgr-...")`,
  );
}

export const describeSecurityGroupRules: AwsOperation<
  DescribeSecurityGroupRulesCommandInput,
  DescribeSecurityGroupRulesCommandOutput
> = {
  asks: () => askOfAll("DescribeSecurityGroupRules"),
  run({ SecurityGroupRuleIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: SecurityGroupRuleIds, ...asked },
      {
        all: () => allRules(context),
        find: (ids) => rulesById(ids, context),
        facts: {
          "group-id": ({ group }) => group.name,
          "security-group-rule-id": ({ rule }) => rule.id,
          "tag:": () => [],
          "tag-key": () => [],
        },
        orderOf: ({ rule }) => rule.id,
      },
    );
    return {
      SecurityGroupRules: items.map((placed) => ruleView(placed.rule, placed, context)),
      ...more,
    };
  },
};
