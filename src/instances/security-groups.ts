import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { cidrText, parseCidr } from "#/model/cidr.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { SecurityGroupRecord, SecurityRule, VpcRecord } from "#/model/virtual-network.ts";
import type { Space } from "#/space/space.ts";

/** A rule as it is asked for; as EC2 has it, one without ports is for all of them. */
export type RuleAsked = Omit<SecurityRule, "id">;
export type RuleSide = "ingress" | "egress";

/** What may be asked of security groups. */
export class SecurityGroups {
  #space: Space;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;

  constructor(parts: { space: Space; clock: Pick<Clock, "now">; random: Pick<Random, "bytes"> }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** Lets nothing in and everything out. Throws "InvalidGroup.Duplicate", "InvalidParameterValue" for its title. */
  create(
    vpc: VpcRecord,
    asked: { title: string; description: string; tags?: Record<string, string> },
  ): SecurityGroupRecord {
    const { title, description, tags = {} } = asked;
    requireTitle(title, "groupName");
    requireTitle(description, "groupDescription");
    if (title.startsWith("sg-") || title === "default")
      throw new AwsError(
        title === "default" ? "InvalidGroup.Reserved" : "InvalidParameterValue",
        400,
        `Value (${title}) for parameter groupName is invalid: the name '${title}' is reserved.`,
      );
    const ofVpc = this.list(vpc.project).filter(({ spec }) => spec.vpc === vpc.name);
    if (ofVpc.some(({ spec }) => spec.title === title))
      throw new AwsError(
        "InvalidGroup.Duplicate",
        400,
        `The security group '${title}' already exists for VPC '${vpc.name}'`,
      );
    if (ofVpc.length >= limits.securityGroupsMax)
      throw new AwsError(
        "SecurityGroupLimitExceeded",
        400,
        "The maximum number of security groups has been reached.",
      );
    const out: SecurityRule = {
      id: resourceId("sgr", this.#random),
      protocol: "all",
      from: -1,
      to: -1,
      cidr: "0.0.0.0/0",
    };
    const spec = {
      createdAt: this.#clock.now(),
      title,
      description,
      vpc: vpc.name,
      ingress: [],
      egress: [out],
      tags,
    };
    const name = resourceId("sg", this.#random);
    const { project } = vpc;
    return this.#space.commit((tx) =>
      tx.put<"security-group">({ kind: "security-group", project, name, spec, status: {} }),
    ).value;
  }

  /** Throws "CannotDelete" for a default group, "DependencyViolation" while an instance is in it or a rule names it. */
  delete(group: SecurityGroupRecord): void {
    const { name, spec, project } = group;
    if (spec.title === "default")
      throw new AwsError(
        "CannotDelete",
        400,
        `the specified group: "${name}" name: "default" cannot be deleted by a user`,
      );
    const names = ({ spec: { ingress, egress } }: SecurityGroupRecord) =>
      [...ingress, ...egress].some((rule) => rule.group === name);
    const isUsed =
      this.list(project).some((other) => other.name !== name && names(other)) ||
      [...this.#space.all("instance")].some(
        (one) => one.status.state !== "terminated" && one.spec.network.groups.includes(name),
      );
    if (isUsed)
      throw new AwsError("DependencyViolation", 400, `resource ${name} has a dependent object`);
    this.#space.commit((tx) => tx.delete("security-group", name));
  }

  /**
   * Adds rules, all or none; gives those that were added. Throws "InvalidPermission.Duplicate", "InvalidParameterValue",
   * "InvalidGroup.NotFound" for a group that is not of its VPC, "RulesPerSecurityGroupLimitExceeded".
   */
  authorize(
    group: SecurityGroupRecord,
    side: RuleSide,
    asked: readonly RuleAsked[],
  ): SecurityRule[] {
    const before = group.spec[side];
    const known = new Set(before.map(keyOf));
    const added = asked.map((one) => {
      const rule = { id: resourceId("sgr", this.#random), ...this.#checked(group, one) };
      const key = keyOf(rule);
      if (known.has(key))
        throw new AwsError(
          "InvalidPermission.Duplicate",
          400,
          `the specified rule "${wordsOf(rule)}" already exists`,
        );
      known.add(key);
      return rule;
    });
    if (before.length + added.length > limits.rulesPerGroupMax)
      throw new AwsError(
        "RulesPerSecurityGroupLimitExceeded",
        400,
        "The maximum number of rules per security group has been reached.",
      );
    this.#put(group, { [side]: [...before, ...added] });
    return added;
  }

  /** Takes rules away, all or none; gives those that are gone. Throws "InvalidPermission.NotFound". */
  revoke(
    group: SecurityGroupRecord,
    side: RuleSide,
    asked: readonly (RuleAsked | { id: string })[],
  ): SecurityRule[] {
    const left = [...group.spec[side]];
    const gone = asked.map((one) => {
      const isIt = (rule: SecurityRule) =>
        "id" in one ? rule.id === one.id : keyOf(rule) === keyOf(this.#checked(group, one));
      const at = left.findIndex(isIt);
      if (at >= 0) return left.splice(at, 1)[0]!;
      if ("id" in one)
        throw new AwsError(
          "InvalidSecurityGroupRuleId.NotFound",
          400,
          `The security group rule ID '${one.id.slice(0, 100)}' does not exist`,
        );
      throw new AwsError(
        "InvalidPermission.NotFound",
        400,
        "The specified rule does not exist in this security group.",
      );
    });
    this.#put(group, { [side]: left });
    return gone;
  }

  /**
   * Makes others of rules that are there, under their ids, all or none. Throws "InvalidSecurityGroupRuleId.NotFound",
   * "InvalidPermission.Duplicate", and as `authorize` does.
   */
  replace(
    group: SecurityGroupRecord,
    changes: readonly { id: string; side: RuleSide; asked: RuleAsked }[],
  ): SecurityGroupRecord {
    const next = { ingress: [...group.spec.ingress], egress: [...group.spec.egress] };
    for (const { id, side, asked } of changes) {
      const at = next[side].findIndex((rule) => rule.id === id);
      if (at < 0)
        throw new AwsError(
          "InvalidSecurityGroupRuleId.NotFound",
          400,
          `The security group rule ID '${id.slice(0, 100)}' does not exist`,
        );
      next[side][at] = { id, ...this.#checked(group, asked) };
    }
    for (const rules of Object.values(next))
      if (new Set(rules.map(keyOf)).size < rules.length)
        throw new AwsError(
          "InvalidPermission.Duplicate",
          400,
          "The same permission must not appear multiple times",
        );
    return this.#put(group, next);
  }

  change(group: SecurityGroupRecord, tags: Record<string, string>): SecurityGroupRecord {
    return this.#put(group, { tags });
  }

  #put(
    { name, spec }: SecurityGroupRecord,
    change: Partial<SecurityGroupRecord["spec"]>,
  ): SecurityGroupRecord {
    return this.#space.commit((tx) =>
      tx.put<"security-group">({
        ...tx.get("security-group", name)!,
        spec: { ...spec, ...change },
      }),
    ).value;
  }

  list(project: string): SecurityGroupRecord[] {
    return [...this.#space.all("security-group")].filter((group) => group.project === project);
  }

  /** Throws "InvalidGroup.NotFound", also for that of another. */
  find(project: string, name: string): SecurityGroupRecord {
    const found = this.#space.get("security-group", name);
    if (found?.project === project) return found;
    throw notFound(name);
  }

  /** By its title, in a VPC. Throws "InvalidGroup.NotFound". */
  findByTitle(vpc: VpcRecord, title: string): SecurityGroupRecord {
    const found = this.list(vpc.project).find(
      ({ spec }) => spec.vpc === vpc.name && spec.title === title,
    );
    if (found) return found;
    throw notFound(title);
  }

  #checked({ spec, project }: SecurityGroupRecord, asked: RuleAsked): RuleAsked {
    const { protocol, cidr, group, description } = asked;
    if ((cidr === undefined) === (group === undefined))
      throw malformed("A rule is for a range of addresses, or for the members of a group.");
    if (group !== undefined && this.find(project, group).spec.vpc !== spec.vpc)
      throw notFound(group);
    if (description !== undefined && description.length > 255)
      throw malformed("Rule descriptions have at most 255 characters.");
    return {
      protocol,
      ...portsOf(asked),
      ...(cidr !== undefined && { cidr: cidrText(parseCidr(cidr)) }),
      ...(group !== undefined && { group }),
      ...(description !== undefined && { description }),
    };
  }
}

function portsOf({ protocol, from, to }: RuleAsked): { from: number; to: number } {
  if (protocol === "all") return { from: -1, to: -1 };
  const isAny = from === -1 && to === -1;
  if (protocol === "icmp" || protocol === "icmpv6") {
    if (from < -1 || from > 255 || to < -1 || to > 255)
      throw malformed(`Invalid value '${from}' for ICMP type, or '${to}' for its code.`);
    return { from, to };
  }
  if (isAny) return { from: 0, to: 65_535 };
  if (!(from >= 0 && from <= to && to <= 65_535))
    throw malformed(
      `Invalid value for portRange. Must specify both from and to ports with TCP/UDP: ${from} to ${to}.`,
    );
  return { from, to };
}

const keyOf = ({ protocol, from, to, cidr, group }: RuleAsked) =>
  JSON.stringify([protocol, from, to, cidr ?? null, group ?? null]);

const wordsOf = ({ protocol, from, to, cidr, group }: RuleAsked) =>
  `peer: ${cidr ?? group}, ${protocol === "all" ? "ALL" : `${protocol.toUpperCase()}, from port: ${from}, to port: ${to}`}, ALLOW`;

const malformed = (message: string) => new AwsError("InvalidParameterValue", 400, message);

const notFound = (name: string) =>
  new AwsError(
    "InvalidGroup.NotFound",
    400,
    `The security group '${name.slice(0, 255)}' does not exist`,
  );

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html */
function requireTitle(text: string, parameter: string): void {
  if (/^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/.test(text)) return;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${text.slice(0, 100)}) for parameter ${parameter} is invalid. Character sets beyond ASCII are not supported, nor more than 255 characters.`,
  );
}
