import type {
  IpPermission,
  SecurityGroupRule,
  SecurityGroupRuleRequest,
} from "@aws-sdk/client-ec2";
import type { RuleAsked } from "#/instances/security-groups.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { SecurityGroupRecord, SecurityRule } from "#/model/virtual-network.ts";
import type { AwsContext } from "../call.ts";
import { refuseIpv6 } from "./ipv6.ts";

/** IANA's numbers, which EC2 takes as well, and "-1" for all. */
const protocols: Record<string, SecurityRule["protocol"]> = {
  "-1": "all",
  all: "all",
  tcp: "tcp",
  "6": "tcp",
  udp: "udp",
  "17": "udp",
  icmp: "icmp",
  "1": "icmp",
  icmpv6: "icmpv6",
  "58": "icmpv6",
};

export function protocolOf(name: string | undefined): SecurityRule["protocol"] {
  const found = name === undefined ? undefined : protocols[name.toLowerCase()];
  if (found) return found;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Invalid value '${(name ?? "").slice(0, 50)}' for IP protocol. It must be tcp, udp, icmp, icmpv6 or -1.`,
  );
}

export const protocolView = (protocol: SecurityRule["protocol"]) =>
  protocol === "all" ? "-1" : protocol;

/** What calls name rules by: permissions, or the older fields beside. */
export interface RulesNamed {
  IpPermissions?: readonly IpPermission[] | undefined;
  CidrIp?: string | undefined;
  FromPort?: number | undefined;
  ToPort?: number | undefined;
  IpProtocol?: string | undefined;
  SourceSecurityGroupName?: string | undefined;
}

/** The rules that a call names, one for each range and group. Throws "MissingParameter", "InvalidParameterValue". */
export function rulesAsked(
  named: RulesNamed,
  group: SecurityGroupRecord,
  context: AwsContext,
): RuleAsked[] {
  const { IpPermissions = [], CidrIp, FromPort, ToPort, IpProtocol } = named;
  const { SourceSecurityGroupName: source } = named;
  const older: IpPermission[] =
    IpProtocol === undefined && CidrIp === undefined && source === undefined
      ? []
      : [
          {
            IpProtocol: IpProtocol ?? "-1",
            FromPort,
            ToPort,
            ...(CidrIp !== undefined && { IpRanges: [{ CidrIp }] }),
            ...(source !== undefined && { UserIdGroupPairs: [{ GroupName: source }] }),
          },
        ];
  const asked = [...IpPermissions, ...older].flatMap((permission) =>
    rulesOf(permission, group, context),
  );
  if (asked.length > 0) return asked;
  throw new AwsError(
    "MissingParameter",
    400,
    "The request must contain the parameter ipPermissions",
  );
}

function rulesOf(
  permission: IpPermission,
  group: SecurityGroupRecord,
  context: AwsContext,
): RuleAsked[] {
  const { IpProtocol, FromPort = -1, ToPort = -1 } = permission;
  const { IpRanges = [], UserIdGroupPairs = [], Ipv6Ranges = [], PrefixListIds = [] } = permission;
  refuseIpv6(Ipv6Ranges.length > 0);
  refusePrefixLists(PrefixListIds.length > 0);
  const base = { protocol: protocolOf(IpProtocol), from: FromPort, to: ToPort };
  return [
    ...IpRanges.map(({ CidrIp = "", Description }) => ({
      ...base,
      cidr: CidrIp,
      ...(Description !== undefined && { description: Description }),
    })),
    ...UserIdGroupPairs.map(({ GroupId, GroupName, Description }) => ({
      ...base,
      group: GroupId ?? titled(GroupName ?? "", group, context),
      ...(Description !== undefined && { description: Description }),
    })),
  ];
}

function refusePrefixLists(isAsked: boolean): void {
  if (isAsked)
    throw new AwsError(
      "UnsupportedOperation",
      400,
      "Rules are for addresses and for groups here, not for prefix lists.",
    );
}

function titled(title: string, { spec }: SecurityGroupRecord, { parts }: AwsContext): string {
  return parts.networks.groups.findByTitle(parts.space.get("vpc", spec.vpc)!, title).name;
}

/** A rule as it is asked for by itself. */
export function ruleAsked(asked: SecurityGroupRuleRequest): RuleAsked {
  const { IpProtocol, FromPort = -1, ToPort = -1, CidrIpv4, ReferencedGroupId } = asked;
  refuseIpv6(asked.CidrIpv6 !== undefined);
  refusePrefixLists(asked.PrefixListId !== undefined);
  return {
    protocol: protocolOf(IpProtocol),
    from: FromPort,
    to: ToPort,
    ...(CidrIpv4 !== undefined && { cidr: CidrIpv4 }),
    ...(ReferencedGroupId !== undefined && { group: ReferencedGroupId }),
    ...(asked.Description !== undefined && { description: asked.Description }),
  };
}

/** As EC2 tells rules by themselves. */
export function ruleView(
  rule: SecurityRule,
  of: { group: SecurityGroupRecord; side: "ingress" | "egress" },
  { caller }: AwsContext,
): SecurityGroupRule {
  return {
    SecurityGroupRuleId: rule.id,
    GroupId: of.group.name,
    GroupOwnerId: caller.accountId,
    IsEgress: of.side === "egress",
    IpProtocol: protocolView(rule.protocol),
    FromPort: rule.from,
    ToPort: rule.to,
    ...(rule.cidr !== undefined && { CidrIpv4: rule.cidr }),
    ...(rule.group !== undefined && {
      ReferencedGroupInfo: { GroupId: rule.group, UserId: caller.accountId },
    }),
    ...(rule.description !== undefined && { Description: rule.description }),
    Tags: [],
  };
}
