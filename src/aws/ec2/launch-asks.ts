import type { BlockDeviceMapping, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { typeOf } from "#/instances/launch.ts";
import { keyPairNameOf } from "#/instances/metadata.ts";
import { iamArn, iamName } from "#/model/iam.ts";
import { placementGroupName } from "#/model/placement-group.ts";
import type { ImageRecord } from "#/model/image.ts";
import type { SubnetRecord } from "#/model/virtual-network.ts";
import { isUsable } from "#/instances/snapshots.ts";
import type { Ask, AwsContext } from "../call.ts";
import { askOf, askToMake } from "./asks.ts";
import { ownAll } from "./own.ts";
import { asksToSeal, type EncryptionAsked } from "./volume-key.ts";
import { arnOf, conditionsOf, volumeConditions, type Conditions } from "./resource-conditions.ts";

const GiB = 2 ** 30;

/** What an instance is launched by, its template's part among it. */
export type Launch = Omit<RunInstancesCommandInput, "MinCount" | "MaxCount">;

/**
 * What must be allowed to make all that a launch makes: the instance, its interface, and each volume. As AWS has it, tags are
 * asked of the kind that they are for.
 */
export function asksToMakeInstance(launch: Launch, context: AwsContext): Ask[] {
  const { TagSpecifications, Placement, InstanceMarketOptions } = launch;
  const image = imageOf(launch, context);
  const subnet = subnetOf(launch, context);
  const subnetZone = subnet?.spec.zone ?? `${context.parts.region}a`;
  const zone = Placement?.AvailabilityZone ?? subnetZone;
  const market = InstanceMarketOptions?.MarketType === "spot" ? "spot" : "on-demand";
  const make = (kind: string, facts: Conditions) =>
    askToMake("RunInstances", kind, context, TagSpecifications, facts);
  return [
    ...make("instance", {
      "ec2:AvailabilityZone": zone,
      "ec2:InstanceMarketType": market,
      ...typeConditions(launch.InstanceType, image),
    }),
    ...make("network-interface", {
      "ec2:AvailabilityZone": zone,
      ...(subnet && {
        "ec2:Subnet": arnOf("subnet", subnet.name, context),
        "ec2:Vpc": arnOf("vpc", subnet.spec.vpc, context),
      }),
    }),
    ...disksOf(launch, image, context).flatMap((disk) =>
      make("volume", volumeConditions({ ...disk, zone: subnetZone })),
    ),
    ...(market === "spot" ? make("spot-instances-request", {}) : []),
  ];
}

/** What must be allowed to launch with all that is there already: image, subnet, groups, key, placement, snapshots, keys of volumes. */
export function asksToUse(action: string, launch: Launch, context: AwsContext): Ask[] {
  const { KeyName, Placement } = launch;
  const { project } = context.caller;
  const { space } = context.parts;
  const image = imageOf(launch, context);
  const subnet = subnetOf(launch, context);
  const disks = disksOf(launch, image, context);
  const snapshots = disks.flatMap(({ snapshot }) => snapshot ?? []);
  const key = KeyName && space.get("key-pair", keyPairNameOf(project, KeyName));
  const title = Placement?.GroupName;
  const group = title && space.get("placement-group", placementGroupName(project, title));
  const named = (kind: string, name: string, id = ""): Ask => ({
    action: `ec2:${action}`,
    resource: arnOf(kind, name, context),
    conditions: conditionsOf(id, context),
  });
  return [
    named("image", launch.ImageId ?? "*", launch.ImageId),
    named("subnet", subnet?.name ?? "*", subnet?.name),
    ...askOf(action, groupsOf(launch, subnet, context), context),
    ...askOf(action, [...new Set(snapshots)], context),
    ...disks.flatMap(({ asked, snapshot }) => asksToSeal(asked, snapshot, context)),
    ...(KeyName ? [named("key-pair", KeyName, key ? key.spec.id : "")] : []),
    ...(title ? [named("placement-group", title, group ? group.spec.id : "")] : []),
  ];
}

/** Whoever gives an instance a role must be allowed to pass that role. */
export function asksToPass({ IamInstanceProfile }: Launch, { parts, caller }: AwsContext): Ask[] {
  const { Arn, Name = Arn?.slice(Arn.lastIndexOf("/") + 1) } = IamInstanceProfile ?? {};
  if (Name === undefined) return [];
  const role = parts.space.get("iam-instance-profile", iamName(caller.project, Name))?.spec.role;
  const record = role && parts.space.get("iam-role", iamName(caller.project, role));
  if (!record) return [];
  return [
    {
      action: "iam:PassRole",
      resource: iamArn("iam-role", caller.accountId, record.spec),
      conditions: { "iam:PassedToService": "ec2.amazonaws.com" },
    },
  ];
}

/** Undefined for one that is not there, or not for the caller: the launch itself says so. */
function imageOf({ ImageId = "" }: Launch, { parts, caller }: AwsContext) {
  const found = parts.space.get("image", ImageId);
  const isOpen =
    found?.project === caller.project ||
    found?.spec.isPublic === true ||
    found?.spec.sharedWith.includes(caller.accountId) === true;
  return isOpen ? found : undefined;
}

/** That which is named, or the default one: undefined before there is any. */
function subnetOf(launch: Launch, context: AwsContext): SubnetRecord | undefined {
  const id = launch.NetworkInterfaces?.[0]?.SubnetId ?? launch.SubnetId;
  return ownAll("subnet", context).find(({ name, spec }) =>
    id === undefined ? isInDefault(spec.vpc, context) && spec.isDefault : name === id,
  );
}

const isInDefault = (vpc: string, { parts }: AwsContext) =>
  parts.space.get("vpc", vpc)?.spec.isDefault === true;

/** By ids, those named by title among them; the subnet's default one where none is named. */
function groupsOf(launch: Launch, subnet: SubnetRecord | undefined, context: AwsContext): string[] {
  const ids = launch.NetworkInterfaces?.[0]?.Groups ?? launch.SecurityGroupIds ?? [];
  const titles = launch.SecurityGroups ?? [];
  const wanted = ids.length + titles.length > 0 ? titles : ["default"];
  const found = ownAll("security-group", context).filter(
    ({ spec }) => spec.vpc === subnet?.spec.vpc && wanted.includes(spec.title),
  );
  const groups = [...new Set([...ids, ...found.map(({ name }) => name)])];
  return groups.length > 0 ? groups : ["sg-*"];
}

interface Disk {
  type: string;
  isEncrypted: boolean;
  sizeBytes: number | undefined;
  snapshot: string | undefined;
  /** As the launch has it. */
  asked: EncryptionAsked;
}

/** Those of the image, as the launch changes them, and those that it adds. */
function disksOf(
  { BlockDeviceMappings: mappings = [] }: Launch,
  image: ImageRecord | undefined,
  context: AwsContext,
): Disk[] {
  const source = image?.spec.source;
  const own = source?.type === "disk" ? source.disks : [];
  const devices = new Set([
    ...own.map(({ device }) => device),
    ...mappings.map(({ DeviceName = "" }) => DeviceName),
  ]);
  return [...devices].flatMap((device) => {
    const mapping = mappings.find(({ DeviceName }) => DeviceName === device);
    if (mapping?.NoDevice !== undefined) return [];
    const ofImage = own.find((disk) => disk.device === device);
    return diskOf(mapping, ofImage, context);
  });
}

function diskOf(
  { Ebs = {} }: BlockDeviceMapping = {},
  ofImage: { snapshot: string; sizeBytes: number } | undefined,
  { parts, caller }: AwsContext,
): Disk {
  const snapshot = Ebs.SnapshotId ?? ofImage?.snapshot;
  const record = snapshot === undefined ? undefined : parts.space.get("snapshot", snapshot);
  const isKnown = record !== undefined && (ofImage !== undefined || isUsable(record, caller));
  const sizeBytes = isKnown ? (ofImage?.sizeBytes ?? record.spec.sizeBytes) : undefined;
  return {
    type: Ebs.VolumeType ?? "gp3",
    isEncrypted: Ebs.Encrypted === true || (isKnown && record.spec.isEncrypted),
    sizeBytes: Ebs.VolumeSize === undefined ? sizeBytes : Ebs.VolumeSize * GiB,
    snapshot,
    asked: Ebs,
  };
}

/** Where none is asked for, of that which is taken then. */
function typeConditions(asked: string | undefined, image: ImageRecord | undefined): Conditions {
  const type = asked ?? (image && typeOf(undefined, image).name);
  return type === undefined ? {} : { "ec2:InstanceType": type };
}
