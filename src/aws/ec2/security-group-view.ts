import type { IpPermission, SecurityGroup } from "@aws-sdk/client-ec2";
import type { SecurityGroupRecord, SecurityRule } from "#/model/virtual-network.ts";
import type { AwsContext } from "../call.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { protocolView } from "./rule-asked.ts";
import { tagList } from "./tag-list.ts";

export function securityGroupView(
  { name, spec }: SecurityGroupRecord,
  { caller, parts }: AwsContext,
): SecurityGroup {
  const { accountId } = caller;
  return {
    GroupId: name,
    GroupName: spec.title,
    Description: spec.description,
    VpcId: spec.vpc,
    OwnerId: accountId,
    SecurityGroupArn: `arn:aws:ec2:${parts.region}:${accountId}:security-group/${name}`,
    IpPermissions: permissionsOf(spec.ingress, accountId),
    IpPermissionsEgress: permissionsOf(spec.egress, accountId),
    Tags: tagList(spec.tags),
  };
}

/** Rules for the same ports are one permission, as EC2 tells them. */
function permissionsOf(rules: readonly SecurityRule[], UserId: string): IpPermission[] {
  const byPorts = Map.groupBy(rules, ({ protocol, from, to }) => `${protocol} ${from} ${to}`);
  return [...byPorts.values()].map((same) => {
    const { protocol, from, to } = same[0]!;
    return {
      IpProtocol: protocolView(protocol),
      ...(protocol !== "all" && { FromPort: from, ToPort: to }),
      IpRanges: same.flatMap(({ cidr, description }) =>
        cidr === undefined
          ? []
          : [{ CidrIp: cidr, ...(description !== undefined && { Description: description }) }],
      ),
      UserIdGroupPairs: same.flatMap(({ group, description }) =>
        group === undefined
          ? []
          : [
              {
                GroupId: group,
                UserId,
                ...(description !== undefined && { Description: description }),
              },
            ],
      ),
      Ipv6Ranges: [],
      PrefixListIds: [],
    };
  });
}

type Side = "ingress" | "egress";
type Said = (rule: SecurityRule) => string | undefined;

/** What filters see of all rules of a side. */
function ruleFacts(side: Side, prefix: string): Facts<SecurityGroupRecord> {
  const all = (said: Said) => (record: SecurityGroupRecord) =>
    record.spec[side].flatMap((rule) => said(rule) ?? []);
  return {
    [`${prefix}.cidr`]: all(({ cidr }) => cidr),
    [`${prefix}.group-id`]: all(({ group }) => group),
    [`${prefix}.from-port`]: all(({ from }) => String(from)),
    [`${prefix}.to-port`]: all(({ to }) => String(to)),
    [`${prefix}.protocol`]: all(({ protocol }) => protocolView(protocol)),
  };
}

export const securityGroupFacts = ({ caller }: AwsContext): Facts<SecurityGroupRecord> => ({
  "group-id": ({ name }) => name,
  "group-name": ({ spec }) => spec.title,
  description: ({ spec }) => spec.description,
  "vpc-id": ({ spec }) => spec.vpc,
  "owner-id": () => caller.accountId,
  ...ruleFacts("ingress", "ip-permission"),
  ...ruleFacts("egress", "egress.ip-permission"),
  ...tagFacts<SecurityGroupRecord>(),
});
