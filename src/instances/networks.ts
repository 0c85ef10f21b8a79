import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { resourceId } from "#/model/resource-id.ts";
import type {
  SecurityGroupRecord,
  SecurityRule,
  SubnetRecord,
  VpcRecord,
} from "#/model/virtual-network.ts";
import { addressesOf, addressText, parseCidr } from "#/model/cidr.ts";
import type { Space } from "#/space/space.ts";

export interface NetworkParts {
  space: Space;
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
}

/** What every project has when it has made nothing: a VPC with a subnet, and a group whose members reach each other. */
export interface DefaultNetwork {
  vpc: VpcRecord;
  subnet: SubnetRecord;
  group: SecurityGroupRecord;
}

const defaultCidr = "172.31.0.0/16";
const defaultSubnetCidr = "172.31.0.0/20";
const tunnelMax = 2 ** 24 - 1;
/** AWS keeps the first four addresses of a subnet and the last one. */
const keptAtBegin = 4;

/** The default VPC of a project, made when there is none yet. */
export function defaultNetwork(parts: NetworkParts, project: string, zone: string): DefaultNetwork {
  const { space } = parts;
  const known = [...space.all("vpc")].find((vpc) => vpc.project === project && vpc.spec.isDefault);
  const vpc = known ?? makeVpc(parts, { project, cidr: defaultCidr, isDefault: true });
  const subnet =
    [...space.all("subnet")].find(({ spec }) => spec.vpc === vpc.name && spec.isDefault) ??
    makeSubnet(parts, { vpc, cidr: defaultSubnetCidr, zone, isDefault: true });
  return { vpc, subnet, group: defaultGroup(space, vpc) };
}

/** Every VPC has one, made with it. */
export function defaultGroup(space: Space, vpc: VpcRecord): SecurityGroupRecord {
  const found = [...space.all("security-group")].find(
    ({ spec }) => spec.vpc === vpc.name && spec.title === "default",
  );
  if (!found) throw new Error(`${vpc.name} has no default group`);
  return found;
}

export function makeVpc(
  { space, clock, random }: NetworkParts,
  asked: { project: string; cidr: string; isDefault: boolean; tags?: Record<string, string> },
): VpcRecord {
  const { project, cidr, isDefault, tags = {} } = asked;
  const taken = new Set([...space.all("vpc")].map(({ spec }) => spec.tunnel));
  let tunnel = 1;
  while (taken.has(tunnel)) tunnel++;
  if (tunnel > tunnelMax)
    throw new AwsError("VpcLimitExceeded", 400, "The maximum number of VPCs has been reached.");
  const createdAt = clock.now();
  const vpcName = resourceId("vpc", random);
  const name = resourceId("sg", random);
  const all = (more: Partial<SecurityRule>): SecurityRule => ({
    id: resourceId("sgr", random),
    protocol: "all",
    from: -1,
    to: -1,
    ...more,
  });
  const group = {
    createdAt,
    title: "default",
    description: "default VPC security group",
    vpc: vpcName,
    ingress: [all({ group: name })],
    egress: [all({ cidr: "0.0.0.0/0" })],
    tags: {},
  };
  return space.commit((tx) => {
    tx.put<"security-group">({ kind: "security-group", project, name, spec: group, status: {} });
    const spec = { createdAt, cidr, isDefault, tunnel, hasDnsNames: true, tags };
    return tx.put<"vpc">({ kind: "vpc", project, name: vpcName, spec, status: {} });
  }).value;
}

export function makeSubnet(
  { space, clock, random }: NetworkParts,
  asked: {
    vpc: VpcRecord;
    cidr: string;
    zone: string;
    isDefault: boolean;
    tags?: Record<string, string>;
  },
): SubnetRecord {
  const { vpc, cidr, zone, isDefault, tags = {} } = asked;
  const spec = {
    createdAt: clock.now(),
    vpc: vpc.name,
    cidr,
    zone,
    isDefault,
    givesPublicAddress: isDefault,
    tags,
  };
  const { project } = vpc;
  const name = resourceId("subnet", random);
  return space.commit((tx) => tx.put<"subnet">({ kind: "subnet", project, name, spec, status: {} }))
    .value;
}

/** Addresses of instances in a subnet that have not ended. */
export function takenIn(space: Space, subnet: string): Set<string> {
  const taken = new Set<string>();
  for (const { spec, status } of space.all("instance"))
    if (spec.network.subnet === subnet && status.state !== "terminated")
      taken.add(spec.network.privateIp);
  return taken;
}

/** The next free address. Throws "InsufficientFreeAddressesInSubnet". */
export function takeAddress(subnet: SubnetRecord, taken: Set<string>): string {
  const range = parseCidr(subnet.spec.cidr);
  const last = range.first + addressesOf(range) - 1;
  for (let address = range.first + keptAtBegin; address < last; address++) {
    const text = addressText(address);
    if (taken.has(text)) continue;
    taken.add(text);
    return text;
  }
  throw new AwsError(
    "InsufficientFreeAddressesInSubnet",
    400,
    `Insufficient free addresses in subnet '${subnet.name}'.`,
  );
}

/** Of the private address: locally administered, and the same wherever the instance runs. */
export function macOf(privateIp: string, tunnel: number): string {
  const bytes = [0x02, tunnel & 0xff, ...privateIp.split(".").map(Number)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
