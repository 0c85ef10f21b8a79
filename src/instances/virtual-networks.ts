import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { addressesOf, cidrText, contains, parseCidr, type Cidr } from "#/model/cidr.ts";
import type { SubnetRecord, SubnetSpec, VpcRecord, VpcSpec } from "#/model/virtual-network.ts";
import type { Space } from "#/space/space.ts";
import { Addresses } from "./addresses.ts";
import { KeyPairs } from "./key-pairs.ts";
import {
  defaultGroup,
  defaultNetwork,
  makeSubnet,
  makeVpc,
  type DefaultNetwork,
} from "./networks.ts";
import { SecurityGroups } from "./security-groups.ts";

/** Both lengths that EC2 takes for VPCs and subnets, as bits of the network. */
const bitsMin = 16;
const bitsMax = 28;

/**
 * What may be asked of networks: VPCs and their subnets here, what is in them beside. Each call changes records, and the
 * machines are told by hosting.ts. Nobody sees what is another project's. All is durable when the space is.
 */
export class VirtualNetworks {
  readonly groups: SecurityGroups;
  readonly addresses: Addresses;
  readonly keys: KeyPairs;
  #space: Space;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;
  #zone: string;

  constructor(parts: {
    space: Space;
    clock: Pick<Clock, "now">;
    random: Pick<Random, "bytes">;
    /** Of subnets for which none is named. */
    zone: string;
    /** Addresses that this cloud may give away, as a CIDR: all of them lead to its machines. */
    addressPool?: string | undefined;
  }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#zone = parts.zone;
    this.groups = new SecurityGroups(parts);
    this.addresses = new Addresses(parts);
    this.keys = new KeyPairs(parts);
  }

  /** The VPC that a project has when it has made none, made when it is asked for first. */
  default(project: string): DefaultNetwork {
    return defaultNetwork(this.#parts, project, this.#zone);
  }

  /** Throws "DefaultVpcAlreadyExists". */
  createDefaultVpc(project: string): VpcRecord {
    if (this.listVpcs(project).some(({ spec }) => spec.isDefault))
      throw new AwsError(
        "DefaultVpcAlreadyExists",
        400,
        "A Default VPC already exists for this account in this region.",
      );
    return this.default(project).vpc;
  }

  /** Throws "InvalidVpc.Range" for what is no /16 to /28, "VpcLimitExceeded". */
  createVpc(project: string, cidr: string, tags: Record<string, string> = {}): VpcRecord {
    const range = rangeOf(cidr, "InvalidVpc.Range");
    if (this.listVpcs(project).length >= limits.vpcsMax)
      throw new AwsError("VpcLimitExceeded", 400, "The maximum number of VPCs has been reached.");
    return makeVpc(this.#parts, { project, cidr: cidrText(range), isDefault: false, tags });
  }

  /** Its default group goes with it. Throws "DependencyViolation" while it has subnets, or groups of its own. */
  deleteVpc(vpc: VpcRecord): void {
    const groups = this.groups.list(vpc.project).filter(({ spec }) => spec.vpc === vpc.name);
    // A default subnet goes with its VPC where nothing is in it.
    const subnets = this.listSubnets(vpc.project).filter(({ spec }) => spec.vpc === vpc.name);
    if (subnets.some(({ spec }) => !spec.isDefault) || groups.length > 1)
      throw hasDependencies("vpc", vpc.name);
    for (const { name } of subnets)
      if (this.#isInhabited(name)) throw hasDependencies("vpc", vpc.name);
    const own = defaultGroup(this.#space, vpc).name;
    this.#space.commit((tx) => {
      for (const { name } of subnets) tx.delete("subnet", name);
      tx.delete("security-group", own);
      tx.delete("vpc", vpc.name);
    });
  }

  changeVpc(vpc: VpcRecord, change: Partial<Pick<VpcSpec, "hasDnsNames" | "tags">>): VpcRecord {
    return this.#space.commit((tx) =>
      tx.put<"vpc">({ ...tx.get("vpc", vpc.name)!, spec: { ...vpc.spec, ...change } }),
    ).value;
  }

  listVpcs(project: string): VpcRecord[] {
    return [...this.#space.all("vpc")].filter((vpc) => vpc.project === project);
  }

  /** Throws "InvalidVpcID.NotFound", also for that of another. */
  findVpc(project: string, name: string): VpcRecord {
    const found = this.#space.get("vpc", name);
    if (found?.project === project) return found;
    throw new AwsError(
      "InvalidVpcID.NotFound",
      400,
      `The vpc ID '${name.slice(0, 100)}' does not exist`,
    );
  }

  /** Throws "InvalidSubnet.Range" for what is not within the VPC, "InvalidSubnet.Conflict", "SubnetLimitExceeded". */
  createSubnet(
    vpc: VpcRecord,
    asked: { cidr: string; zone?: string; tags?: Record<string, string> },
  ): SubnetRecord {
    const range = rangeOf(asked.cidr, "InvalidSubnet.Range");
    if (!contains(parseCidr(vpc.spec.cidr), range))
      throw isNoRange(asked.cidr, "InvalidSubnet.Range");
    const others = this.listSubnets(vpc.project).filter(({ spec }) => spec.vpc === vpc.name);
    if (others.some(({ spec }) => overlap(parseCidr(spec.cidr), range)))
      throw new AwsError(
        "InvalidSubnet.Conflict",
        400,
        `The CIDR '${asked.cidr}' conflicts with another subnet`,
      );
    if (others.length >= limits.subnetsMax)
      throw new AwsError(
        "SubnetLimitExceeded",
        400,
        `The maximum number of subnets has been reached in '${vpc.name}'.`,
      );
    const { zone = this.#zone, tags = {} } = asked;
    return makeSubnet(this.#parts, { vpc, cidr: cidrText(range), zone, isDefault: false, tags });
  }

  /** Throws "DependencyViolation" while an instance is in it. */
  deleteSubnet(subnet: SubnetRecord): void {
    if (this.#isInhabited(subnet.name)) throw hasDependencies("subnet", subnet.name);
    this.#space.commit((tx) => tx.delete("subnet", subnet.name));
  }

  changeSubnet(
    subnet: SubnetRecord,
    change: Partial<Pick<SubnetSpec, "givesPublicAddress" | "tags">>,
  ): SubnetRecord {
    return this.#space.commit((tx) =>
      tx.put<"subnet">({ ...tx.get("subnet", subnet.name)!, spec: { ...subnet.spec, ...change } }),
    ).value;
  }

  listSubnets(project: string): SubnetRecord[] {
    return [...this.#space.all("subnet")].filter((subnet) => subnet.project === project);
  }

  /** Throws "InvalidSubnetID.NotFound", also for that of another. */
  findSubnet(project: string, name: string): SubnetRecord {
    const found = this.#space.get("subnet", name);
    if (found?.project === project) return found;
    throw new AwsError(
      "InvalidSubnetID.NotFound",
      400,
      `The subnet ID '${name.slice(0, 100)}' does not exist`,
    );
  }

  /** Addresses of a subnet that an instance may still get: AWS keeps five of each. */
  freeAddresses({ name, spec }: SubnetRecord): number {
    let free = addressesOf(parseCidr(spec.cidr)) - 5;
    for (const { spec: of, status } of this.#space.all("instance"))
      if (of.network.subnet === name && status.state !== "terminated") free--;
    return Math.max(0, free);
  }

  #isInhabited(subnet: string): boolean {
    return [...this.#space.all("instance")].some(
      ({ spec, status }) => spec.network.subnet === subnet && status.state !== "terminated",
    );
  }

  get #parts() {
    return { space: this.#space, clock: this.#clock, random: this.#random };
  }
}

function rangeOf(cidr: string, code: string): Cidr {
  const range = parseCidr(cidr);
  if (range.bits >= bitsMin && range.bits <= bitsMax) return range;
  throw isNoRange(cidr, code);
}

const isNoRange = (cidr: string, code: string) =>
  new AwsError(code, 400, `The CIDR '${cidr.slice(0, 100)}' is invalid.`);

const overlap = (one: Cidr, other: Cidr) => contains(one, other) || contains(other, one);

const hasDependencies = (kind: string, name: string) =>
  new AwsError(
    "DependencyViolation",
    400,
    `The ${kind} '${name}' has dependencies and cannot be deleted.`,
  );
