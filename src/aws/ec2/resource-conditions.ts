import type { ImageRecord } from "#/model/image.ts";
import type { SnapshotRecord } from "#/model/volume.ts";
import type { AwsContext } from "../call.ts";
import { ownerOf } from "./snapshot-view.ts";
import { taggedIfThere, type Tagged } from "./taggable.ts";

const GiB = 2 ** 30;

export type Conditions = Record<string, string>;

/** "arn:aws:ec2:us-east-1:123456789012:instance/i-0…"; that of an image and a snapshot names no account. */
export function arnOf(kind: string, id: string, { parts, caller }: AwsContext): string {
  const account = kind === "image" || kind === "snapshot" ? "" : caller.accountId;
  return `arn:aws:ec2:${parts.region}:${account}:${kind}/${id}`;
}

/**
 * What policies may ask of something that is there: its tags by both names, and what EC2 says of things of its kind. Of what is
 * another's nothing is told, unless it is an image or a snapshot that the caller may use: then all but its tags.
 */
export function conditionsOf(id: string, context: AwsContext): Conditions {
  const own = taggedIfThere(id, context);
  const record = own ?? lent(id, context);
  const tags = Object.entries(own?.spec.tags ?? {}).flatMap(([name, value]) => [
    [`ec2:ResourceTag/${name}`, value],
    [`aws:ResourceTag/${name}`, value],
  ]);
  return {
    "ec2:Region": context.parts.region,
    ...(record && factsOf(record, context)),
    ...(Object.fromEntries(tags) as Conditions),
  };
}

function lent(id: string, { parts, caller }: AwsContext): ImageRecord | SnapshotRecord | undefined {
  const found = parts.space.get("image", id) ?? parts.space.get("snapshot", id);
  const isLent =
    found?.spec.isPublic === true || found?.spec.sharedWith?.includes(caller.accountId) === true;
  return isLent ? found : undefined;
}

function factsOf(record: Tagged, context: AwsContext): Conditions {
  const { space } = context.parts;
  switch (record.kind) {
    case "instance": {
      const zone = space.get("subnet", record.spec.network.subnet)?.spec.zone;
      return {
        "ec2:InstanceType": record.spec.type,
        ...(zone !== undefined && { "ec2:AvailabilityZone": zone }),
      };
    }
    case "volume":
      return volumeConditions(record.spec);
    case "image":
      return {
        "ec2:ImageID": record.name,
        "ec2:Owner": ownerOf(record.project, context),
        "ec2:Public": String(record.spec.isPublic),
      };
    case "snapshot":
      return {
        "ec2:SnapshotID": record.name,
        "ec2:Owner": ownerOf(record.project, context),
        "ec2:VolumeSize": String(record.spec.sizeBytes / GiB),
      };
    case "subnet":
      return {
        "ec2:SubnetID": record.name,
        "ec2:AvailabilityZone": record.spec.zone,
        "ec2:Vpc": arnOf("vpc", record.spec.vpc, context),
      };
    case "security-group":
      return {
        "ec2:SecurityGroupID": record.name,
        "ec2:Vpc": arnOf("vpc", record.spec.vpc, context),
      };
    default:
      return {};
  }
}

/** Of a volume that is there, or is to be made. */
export function volumeConditions(spec: {
  type: string;
  isEncrypted: boolean;
  zone?: string | undefined;
  sizeBytes?: number | undefined;
  snapshot?: string | undefined;
}): Conditions {
  const { type, isEncrypted, zone, sizeBytes, snapshot } = spec;
  return {
    "ec2:VolumeType": type,
    "ec2:Encrypted": String(isEncrypted),
    ...(zone !== undefined && { "ec2:AvailabilityZone": zone }),
    ...(sizeBytes !== undefined && { "ec2:VolumeSize": String(sizeBytes / GiB) }),
    ...(snapshot !== undefined && { "ec2:ParentSnapshot": snapshot }),
  };
}
