import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { SecurityGroupRecord, SecurityRule } from "#/model/virtual-network.ts";
import type { Space } from "#/space/space.ts";

type Draft = Pick<SecurityGroupRecord, "kind" | "project" | "name" | "spec" | "status">;

/**
 * A security group of a VPC that lets everyone reach some ports: "22", "8000-8010", "53/udp". Its title follows from them, so that
 * it is made once; where there is none yet it is a draft, to be made with what needs it. Throws "InvalidParameterValue".
 */
export function portsGroup(
  parts: { space: Pick<Space, "all">; clock: Pick<Clock, "now">; random: Pick<Random, "bytes"> },
  asked: { project: string; vpc: string; ports: readonly string[] },
): { name: string; draft?: Draft } {
  const { space, clock, random } = parts;
  const { project, vpc } = asked;
  const ports = [...new Set(asked.ports)].sort();
  const rules = ports.map(ruleOf);
  const title = `open ${ports.join(" ")}`;
  for (const { name, spec } of space.all("security-group"))
    if (spec.vpc === vpc && spec.title === title) return { name };
  const everywhere = { cidr: "0.0.0.0/0" };
  const rule = (of: Pick<SecurityRule, "protocol" | "from" | "to">): SecurityRule => ({
    id: resourceId("sgr", random),
    ...of,
    ...everywhere,
  });
  const draft: Draft = {
    kind: "security-group",
    project,
    name: resourceId("sg", random),
    spec: {
      createdAt: clock.now(),
      title,
      description: "Ports that everyone may reach",
      vpc,
      ingress: rules.map(rule),
      egress: [rule({ protocol: "all", from: -1, to: -1 })],
      tags: {},
    },
    status: {},
  };
  return { name: draft.name, draft };
}

function ruleOf(text: string): Pick<SecurityRule, "protocol" | "from" | "to"> {
  const [, first, last = first, protocol = "tcp"] =
    /^(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from >= 1 && to >= from && to <= 65_535))
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Invalid value '${text.slice(0, 40)}' for ports: they must be between 1 and 65535, the lower one first.`,
    );
  return { protocol: protocol === "udp" ? "udp" : "tcp", from, to };
}
