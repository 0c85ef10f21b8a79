import { createHash } from "node:crypto";
import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { addressesOf, parseAddress, parseCidr } from "#/model/cidr.ts";
import { iamName } from "#/model/iam.ts";
import type { ImageRecord } from "#/model/image.ts";
import { instanceTypes, type InstanceKind, type InstanceType } from "#/model/instance-type.ts";
import type { SubnetRecord, VpcRecord } from "#/model/virtual-network.ts";
import { volumeTypes, type VolumeType } from "#/model/volume.ts";
import type { Space } from "#/space/space.ts";
import type { InstanceMarket, InstancePlacement } from "#/model/instance.ts";
import type { LaunchAsked, LaunchDisk } from "./instances.ts";
import { requireDevice, requireDistinctDevices } from "./disks.ts";
import { requireHibernationKind } from "./hibernation.ts";
import { keyPairNameOf } from "./metadata.ts";
import { requirePlacement } from "./place.ts";
import { defaultGroup, defaultNetwork } from "./networks.ts";

/** What somebody wants to launch, in the words of a door; what is left out is decided here. */
export interface LaunchWish {
  project: string;
  accountId: string;
  image: string | undefined;
  type?: string | undefined;
  min: number;
  max: number;
  subnet?: string | undefined;
  /** Ids of groups, and titles of others. */
  groups?: readonly string[] | undefined;
  groupTitles?: readonly string[] | undefined;
  privateIp?: string | undefined;
  hasPublicAddress?: boolean | undefined;
  /** By port of the instance: the port of its machine. */
  published?: Readonly<Record<string, number>>;
  /** Changes of the image's disks by device, and disks beside. */
  disks?: readonly DiskWish[] | undefined;
  volumeTags?: Readonly<Record<string, string>>;
  keyName?: string | undefined;
  /** Base64. */
  userData?: string | undefined;
  /** Name of an instance profile. */
  profile?: string | undefined;
  metadata?: { isEnabled?: boolean; hopLimit?: number | undefined; hasTags?: boolean };
  placement?: InstancePlacement;
  market?: InstanceMarket | undefined;
  onShutdown?: "stop" | "terminate";
  isTerminationProtected?: boolean;
  isStopProtected?: boolean;
  isRecovered?: boolean;
  mayHibernate?: boolean;
  clientToken?: string | undefined;
  tags?: Readonly<Record<string, string>>;
}

export interface DiskWish {
  device: string;
  /** The image's own disk of that name is left out. */
  isLeftOut?: boolean;
  type?: string | undefined;
  sizeBytes?: number | undefined;
  iops?: number | undefined;
  bytesPerSecond?: number | undefined;
  snapshot?: string | undefined;
  isEncrypted?: boolean;
  kmsKeyId?: string | undefined;
  deletesOnTermination?: boolean | undefined;
}

interface LaunchParts {
  space: Space;
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
  region: string;
}

const userDataBytesMax = 16 * 1024;
const launchesMax = 1000;

/** Decides all that a wish leaves open. Throws EC2's own errors, having changed nothing but for a first default VPC. */
export function decideLaunch(wish: LaunchWish, parts: LaunchParts): LaunchAsked {
  const { project, min, max, keyName, userData, profile, market, clientToken } = wish;
  const image = imageOf(wish, parts.space);
  const type = typeOf(wish.type, image);
  if (!(min >= 1 && max >= min && max <= launchesMax))
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Invalid value for min and max count: they must be between 1 and ${launchesMax}, and min no more than max.`,
    );
  const mayHibernate = wish.mayHibernate === true || market?.onInterruption === "hibernate";
  if (mayHibernate) requireHibernationKind(type);
  const { isEnabled = true, hopLimit = 2, hasTags = false } = wish.metadata ?? {};
  const network = networkOf(wish, parts);
  return {
    project,
    image,
    type,
    min,
    max,
    ...network,
    disks: disksOf(image, wish, { space: parts.space, zone: network.subnet.spec.zone }),
    ...(keyName !== undefined && { keyName: requireKey(project, keyName, parts.space) }),
    ...(userData !== undefined && userData !== "" && { userData: requireUserData(userData) }),
    ...(profile !== undefined && { profile: requireProfile(project, profile, parts.space) }),
    metadata: { isEnabled, hopLimit, hasTags },
    placement: placementOf(wish, network.subnet, parts.space),
    ...(market && { market }),
    onShutdown: wish.onShutdown ?? "stop",
    isTerminationProtected: wish.isTerminationProtected ?? false,
    isStopProtected: wish.isStopProtected ?? false,
    isRecovered: wish.isRecovered ?? false,
    mayHibernate,
    ...(clientToken !== undefined && { clientToken }),
    launchDigest: digestOf(wish),
    tags: wish.tags ?? {},
  };
}

/** In the zone of its subnet, where somebody has made one there. */
function placementOf(
  { placement = {} }: LaunchWish,
  { name, spec: { zone, isDefault } }: SubnetRecord,
  space: Space,
): InstancePlacement {
  requirePlacement(placement, space);
  if (isDefault) return placement;
  if (placement.zone === undefined || placement.zone === zone) return { ...placement, zone };
  throw new AwsError(
    "InvalidParameterCombination",
    400,
    `The subnet '${name}' is in ${zone}, and the instance was asked for in ${placement.zone}.`,
  );
}

/** By what it is told that a token comes with another request. */
function digestOf({ clientToken: _token, ...asked }: LaunchWish): string {
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

function imageOf({ image: id, project, accountId }: LaunchWish, space: Space): ImageRecord {
  if (id === undefined)
    throw new AwsError("MissingParameter", 400, "The request must contain the parameter ImageId");
  const found = space.get("image", id);
  const isOpen =
    found &&
    (found.project === project || found.spec.isPublic || found.spec.sharedWith.includes(accountId));
  if (!isOpen) {
    if (!/^ami-[0-9a-f]{8,17}$/.test(id))
      throw new AwsError(
        "InvalidAMIID.Malformed",
        400,
        `Invalid id: "${id.slice(0, 100)}" (expecting "ami-...")`,
      );
    throw new AwsError("InvalidAMIID.NotFound", 400, `The image id '[${id}]' does not exist`);
  }
  if (found.status.state !== "available")
    throw new AwsError(
      "InvalidAMIID.Unavailable",
      400,
      `The image ID '${id}' is not available: it is ${found.status.state}.`,
    );
  return found;
}

/** Where none is asked for, a small one that runs the image. */
export function typeOf(name: string | undefined, { spec: { kinds } }: ImageRecord): InstanceType {
  const small = instanceTypes
    .values()
    .find((one) => one.kind === kinds[0] && one.name.endsWith(".small"));
  return name === undefined && small ? small : requireType(name ?? "", kinds);
}

/** Throws "InvalidParameterValue" for a type that there is not, and "InvalidParameterCombination" for one of another kind. */
export function requireType(name: string, kinds: readonly InstanceKind[]): InstanceType {
  const type = instanceTypes.get(name);
  if (!type)
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Invalid value '${name.slice(0, 100)}' for InstanceType.`,
    );
  if (!kinds.includes(type.kind))
    throw new AwsError(
      "InvalidParameterCombination",
      400,
      `The image runs as ${kinds.join(" or ")}, and an instance of type ${type.name} is a ${type.kind}.`,
    );
  return type;
}

type Network = Pick<
  LaunchAsked,
  "subnet" | "tunnel" | "groups" | "hasPublicAddress" | "published" | "privateIp"
>;

function networkOf(wish: LaunchWish, parts: LaunchParts): Network {
  const { privateIp, published } = wish;
  const { subnet, vpc } = subnetOf(wish, parts);
  if (privateIp !== undefined) requireAddress(privateIp, subnet, wish.max);
  if (published && wish.hasPublicAddress === false)
    throw new AwsError(
      "InvalidParameterCombination",
      400,
      "Ports of the machine cannot lead to an instance that is to have no public address.",
    );
  return {
    subnet,
    tunnel: vpc.spec.tunnel,
    groups: groupsOf(wish, vpc, parts.space),
    hasPublicAddress: wish.hasPublicAddress ?? (subnet.spec.givesPublicAddress || !!published),
    ...(published && { published }),
    ...(privateIp !== undefined && { privateIp }),
  };
}

/** Throws "InvalidParameterCombination" for one address of many instances, "InvalidParameterValue" for one of elsewhere. */
function requireAddress(privateIp: string, { name, spec }: SubnetRecord, max: number): void {
  if (max > 1)
    throw new AwsError(
      "InvalidParameterCombination",
      400,
      "Multiple instances creation with one private IP address is not allowed.",
    );
  const range = parseCidr(spec.cidr);
  const address = parseAddress(privateIp);
  const last = range.first + addressesOf(range) - 1;
  // AWS keeps the first four addresses of a subnet and the last one.
  if (address !== undefined && address >= range.first + 4 && address < last) return;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Address ${privateIp.slice(0, 50)} does not fall within the addresses of '${name}' that instances may have.`,
  );
}

function subnetOf(
  { project, subnet: id }: LaunchWish,
  parts: LaunchParts,
): { subnet: SubnetRecord; vpc: VpcRecord } {
  if (id === undefined) return defaultNetwork(parts, project, `${parts.region}a`);
  const subnet = parts.space.get("subnet", id);
  if (subnet?.project === project) return { subnet, vpc: parts.space.get("vpc", subnet.spec.vpc)! };
  throw new AwsError(
    "InvalidSubnetID.NotFound",
    400,
    `The subnet ID '${id.slice(0, 100)}' does not exist`,
  );
}

function groupsOf(
  { groups: ids = [], groupTitles: titles = [] }: LaunchWish,
  vpc: VpcRecord,
  space: Space,
): string[] {
  const ofVpc = [...space.all("security-group")].filter(({ spec }) => spec.vpc === vpc.name);
  const named = titles.map((title) => {
    const found = ofVpc.find(({ spec }) => spec.title === title);
    if (found) return found.name;
    throw new AwsError(
      "InvalidGroup.NotFound",
      400,
      `The security group '${title.slice(0, 255)}' does not exist in VPC '${vpc.name}'`,
    );
  });
  const unknown = ids.find((id) => !ofVpc.some(({ name }) => name === id));
  if (unknown !== undefined)
    throw new AwsError(
      "InvalidGroup.NotFound",
      400,
      `The security group '${unknown.slice(0, 100)}' does not exist`,
    );
  const groups = [...new Set([...ids, ...named])];
  return groups.length > 0 ? groups : [defaultGroup(space, vpc).name];
}

function requireKey(project: string, title: string, space: Space): string {
  if (space.get("key-pair", keyPairNameOf(project, title))) return title;
  throw new AwsError(
    "InvalidKeyPair.NotFound",
    400,
    `The key pair '${title.slice(0, 255)}' does not exist`,
  );
}

/** Throws "InvalidParameterValue" for what is no base64, and for more than 16 KiB. */
export function requireUserData(userData: string): string {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(userData))
    throw new AwsError("InvalidParameterValue", 400, "Invalid BASE64 encoding of user data.");
  if (Buffer.byteLength(userData, "base64") > userDataBytesMax)
    throw new AwsError("InvalidParameterValue", 400, "User data is limited to 16384 bytes");
  return userData.replaceAll(/\s/g, "");
}

function requireProfile(project: string, name: string, space: Space): string {
  if (space.get("iam-instance-profile", iamName(project, name))) return name;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${name.slice(0, 128)}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
  );
}

/** The image's disks, as the wish changes them, and those that it adds. */
function disksOf(
  image: ImageRecord,
  { project, disks = [], volumeTags = {} }: LaunchWish,
  at: { space: Space; zone: string },
): LaunchDisk[] {
  const { source } = image.spec;
  requireDistinctDevices(disks.map(({ device }) => device));
  const wished = new Map(disks.map((disk) => [disk.device, disk]));
  const own = source.type === "disk" ? source.disks : [];
  const ofImage = own.flatMap(({ device, snapshot, deletesOnTermination }) => {
    const wish = wished.get(device);
    wished.delete(device);
    if (wish?.isLeftOut) return [];
    const disk = { deletesOnTermination, ...definedOf(wish), device, snapshot };
    return [diskOf(disk, image.project, volumeTags, at)];
  });
  const added = [...wished.values()].flatMap((wish) =>
    wish.isLeftOut
      ? []
      : [
          diskOf(
            { deletesOnTermination: true, ...definedOf(wish), device: wish.device },
            project,
            volumeTags,
            at,
          ),
        ],
  );
  return [...ofImage, ...added];
}

/** Without what is undefined, so that it leaves what is beneath it. */
function definedOf(wish: DiskWish | undefined): Partial<DiskWish> {
  return Object.fromEntries(
    Object.entries(wish ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<DiskWish>;
}

function diskOf(
  wish: DiskWish,
  project: string,
  tags: Readonly<Record<string, string>>,
  { space, zone }: { space: Space; zone: string },
): LaunchDisk {
  const { device, sizeBytes, iops, bytesPerSecond, kmsKeyId } = wish;
  const { isEncrypted = false, deletesOnTermination = true } = wish;
  const snapshot = wish.snapshot === undefined ? undefined : space.get("snapshot", wish.snapshot);
  if (wish.snapshot !== undefined && snapshot?.project !== project)
    throw new AwsError(
      "InvalidSnapshot.NotFound",
      400,
      `The snapshot '${wish.snapshot.slice(0, 100)}' does not exist.`,
    );
  return {
    device: requireDevice(device),
    deletesOnTermination,
    volume: {
      type: volumeTypeOf(wish.type),
      isEncrypted,
      zone,
      tags,
      ...(snapshot && { snapshot }),
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(iops !== undefined && { iops }),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(kmsKeyId !== undefined && { kmsKeyId }),
    },
  };
}

/** Throws "InvalidParameterValue". */
export function volumeTypeOf(name = "gp3"): VolumeType {
  const type = volumeTypes.find((one) => one === name);
  if (type) return type;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Invalid value '${name.slice(0, 100)}' for VolumeType.`,
  );
}
