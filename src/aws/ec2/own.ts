import { AwsError } from "#/model/aws-error.ts";
import type { AnyRecord, RecordOfKind } from "#/model/record.ts";
import type { AwsContext } from "../call.ts";

/** By the kind of a record: how its ids begin, and what EC2 says of one that is none, or that there is not. */
const kinds = {
  instance: ["i", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "instance ID"],
  volume: ["vol", "InvalidParameterValue", "InvalidVolume.NotFound", "volume"],
  snapshot: ["snap", "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound", "snapshot"],
  image: ["ami", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image id"],
  vpc: ["vpc", "InvalidVpcId.Malformed", "InvalidVpcID.NotFound", "vpc ID"],
  subnet: ["subnet", "InvalidSubnetId.Malformed", "InvalidSubnetID.NotFound", "subnet ID"],
  "security-group": ["sg", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security group"],
  address: [
    "eipalloc",
    "InvalidAllocationID.Malformed",
    "InvalidAllocationID.NotFound",
    "allocation ID",
  ],
  "spot-request": [
    "sir",
    "InvalidSpotInstanceRequestID.Malformed",
    "InvalidSpotInstanceRequestID.NotFound",
    "spot instance request ID",
  ],
  "launch-template": [
    "lt",
    "InvalidLaunchTemplateId.Malformed",
    "InvalidLaunchTemplateId.NotFound",
    "launch template ID",
  ],
} as const;

export type OwnKind = keyof typeof kinds;

/** Records of the caller's project by their ids. Throws EC2's errors for ids that are none, and for those of others. */
export function own<K extends OwnKind>(
  kind: K,
  ids: readonly string[],
  { parts, caller }: Pick<AwsContext, "parts" | "caller">,
): RecordOfKind<K>[] {
  const found: RecordOfKind<K>[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const record: RecordOfKind<OwnKind> | undefined = parts.space.get(kind, id);
    if (record?.project === caller.project) found.push(record as RecordOfKind<K>);
    else missing.push(id);
  }
  if (missing.length > 0) throw absent(kind, missing);
  return found;
}

/** Throws "MissingParameter" where none is named. */
export function ownOne<K extends OwnKind>(
  kind: K,
  id: string | undefined,
  context: Pick<AwsContext, "parts" | "caller">,
): RecordOfKind<K> {
  if (id === undefined || id === "")
    throw new AwsError(
      "MissingParameter",
      400,
      `The request must contain the parameter ${parameters[kind]}`,
    );
  return own(kind, [id], context)[0]!;
}

/** Those of the caller's project, in the order in which they were made. */
export function ownAll<K extends OwnKind | "key-pair" | "placement-group">(
  kind: K,
  { parts, caller }: Pick<AwsContext, "parts" | "caller">,
): RecordOfKind<K>[] {
  const all: Iterable<AnyRecord> = parts.space.all(kind);
  return [...all].filter(({ project }) => project === caller.project) as RecordOfKind<K>[];
}

const parameters: Record<OwnKind, string> = {
  instance: "InstanceId",
  volume: "VolumeId",
  snapshot: "SnapshotId",
  image: "ImageId",
  vpc: "VpcId",
  subnet: "SubnetId",
  "security-group": "GroupId",
  address: "AllocationId",
  "spot-request": "SpotInstanceRequestId",
  "launch-template": "LaunchTemplateId",
};

/** What is said of ids that the caller has nothing of. */
export function absent(kind: OwnKind, ids: readonly string[]): AwsError {
  const [prefix, malformed, notFound, what] = kinds[kind];
  const isId = new RegExp(`^${prefix}-[0-9a-f]{8,17}$`);
  const wrong = ids.find((id) => !isId.test(id));
  if (wrong !== undefined)
    return new AwsError(
      malformed,
      400,
      `Invalid id: "${wrong.slice(0, 100)}" (expecting "${prefix}-...")`,
    );
  const named = ids.slice(0, namedMax).join(", ");
  return ids.length === 1
    ? new AwsError(notFound, 400, `The ${what} '${named}' does not exist`)
    : new AwsError(notFound, 400, `The ${what}s '${named}' do not exist`);
}

const namedMax = 10;
