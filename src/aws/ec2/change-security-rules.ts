import type {
  IpPermission,
  ModifySecurityGroupRulesCommandInput,
  ModifySecurityGroupRulesCommandOutput,
  SecurityGroupRuleDescription,
  UpdateSecurityGroupRuleDescriptionsEgressCommandInput,
  UpdateSecurityGroupRuleDescriptionsEgressCommandOutput,
  UpdateSecurityGroupRuleDescriptionsIngressCommandInput,
  UpdateSecurityGroupRuleDescriptionsIngressCommandOutput,
} from "@aws-sdk/client-ec2";
import type { RuleAsked, RuleSide } from "#/instances/security-groups.ts";
import { AwsError } from "#/model/aws-error.ts";
import { cidrText, parseCidr } from "#/model/cidr.ts";
import type { SecurityRule } from "#/model/virtual-network.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { ownOne } from "./own.ts";
import { ruleAsked, rulesAsked } from "./rule-asked.ts";
import { rulesById } from "./security-group-rules.ts";
import { groupNamed } from "./security-groups.ts";

/** Replaces rules by others under the same ids, all or none. */
export const modifySecurityGroupRules: AwsOperation<
  ModifySecurityGroupRulesCommandInput,
  ModifySecurityGroupRulesCommandOutput
> = {
  asks: ({ GroupId = "" }, context) => askOf("ModifySecurityGroupRules", [GroupId], context),
  run({ GroupId, SecurityGroupRules = [] }, context) {
    const group = ownOne("security-group", GroupId, context);
    const changed = SecurityGroupRules.map(
      ({ SecurityGroupRuleId = "", SecurityGroupRule = {} }) => {
        const [placed] = rulesById([SecurityGroupRuleId], context);
        if (placed!.group.name !== group.name)
          throw new AwsError(
            "InvalidSecurityGroupRuleId.NotFound",
            400,
            `The security group rule ID '${SecurityGroupRuleId}' does not exist`,
          );
        return { id: SecurityGroupRuleId, asked: ruleAsked(SecurityGroupRule), side: placed!.side };
      },
    );
    context.parts.networks.groups.replace(group, changed);
    return { Return: true };
  },
};

type Descriptions = {
  GroupId?: string | undefined;
  GroupName?: string | undefined;
  IpPermissions?: IpPermission[] | undefined;
  SecurityGroupRuleDescriptions?: SecurityGroupRuleDescription[] | undefined;
};

function describe(side: RuleSide, input: Descriptions, context: AwsContext): { Return: boolean } {
  const group = groupNamed(input, context);
  const { SecurityGroupRuleDescriptions: byId = [], IpPermissions } = input;
  const wanted = [
    ...byId.map(({ SecurityGroupRuleId = "", Description }) => ({
      rule: rulesById([SecurityGroupRuleId], context)[0]!.rule,
      description: Description,
    })),
    ...(IpPermissions ? rulesAsked({ IpPermissions }, group, context) : []).map((asked) => ({
      rule: group.spec[side].find((rule) => isSame(rule, asked)),
      description: asked.description,
    })),
  ];
  const changed = wanted.map(({ rule, description }) => {
    if (!rule || !group.spec[side].some(({ id }) => id === rule.id))
      throw new AwsError(
        "InvalidPermission.NotFound",
        400,
        "The specified rule does not exist in this security group.",
      );
    const { id, description: _before, ...asked } = rule;
    return { id, side, asked: { ...asked, ...(description !== undefined && { description }) } };
  });
  context.parts.networks.groups.replace(group, changed);
  return { Return: true };
}

function isSame(rule: SecurityRule, asked: RuleAsked): boolean {
  const isAny = asked.from === -1 && asked.to === -1;
  return (
    rule.protocol === asked.protocol &&
    (isAny || (rule.from === asked.from && rule.to === asked.to)) &&
    rule.group === asked.group &&
    rule.cidr === (asked.cidr === undefined ? undefined : cidrText(parseCidr(asked.cidr)))
  );
}

export const updateSecurityGroupRuleDescriptionsIngress: AwsOperation<
  UpdateSecurityGroupRuleDescriptionsIngressCommandInput,
  UpdateSecurityGroupRuleDescriptionsIngressCommandOutput
> = {
  asks: ({ GroupId = "sg-*" }, context) =>
    askOf("UpdateSecurityGroupRuleDescriptionsIngress", [GroupId], context),
  run: (input, context) => describe("ingress", input, context),
};

export const updateSecurityGroupRuleDescriptionsEgress: AwsOperation<
  UpdateSecurityGroupRuleDescriptionsEgressCommandInput,
  UpdateSecurityGroupRuleDescriptionsEgressCommandOutput
> = {
  asks: ({ GroupId = "sg-*" }, context) =>
    askOf("UpdateSecurityGroupRuleDescriptionsEgress", [GroupId], context),
  run: (input, context) => describe("egress", input, context),
};
