import type { Snapshot } from "@aws-sdk/client-ec2";
import { isUsable } from "#/instances/snapshots.ts";
import { accountIdOf } from "#/model/account.ts";
import type { SnapshotRecord } from "#/model/volume.ts";
import type { AwsContext } from "../call.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { absent } from "./own.ts";
import { tagList } from "./tag-list.ts";

const GiB = 2 ** 30;
/** As EC2 says of one that was not made of a volume here. */
const noVolume = "vol-ffffffff";

/** The account of a project. */
export function ownerOf(project: string, { parts }: Pick<AwsContext, "parts">): string {
  const record = parts.space.get("project", project);
  return record ? accountIdOf(record) : "";
}

/** As EC2 tells a snapshot; tags are its owner's alone. */
export function snapshotView(record: SnapshotRecord, context: AwsContext): Snapshot {
  const { name, spec, status, project } = record;
  return {
    SnapshotId: name,
    VolumeId: spec.volume ?? noVolume,
    State: status.state,
    StartTime: new Date(spec.createdAt),
    ...(status.state === "completed" && { CompletionTime: new Date(spec.createdAt) }),
    Progress: `${status.progress}%`,
    OwnerId: ownerOf(project, context),
    Description: spec.description,
    VolumeSize: spec.sizeBytes / GiB,
    Encrypted: spec.isEncrypted,
    StorageTier: "standard",
    ...(spec.kmsKeyId !== undefined && { KmsKeyId: spec.kmsKeyId }),
    ...(status.reason !== undefined && { StateMessage: status.reason }),
    Tags: project === context.caller.project ? tagList(spec.tags) : [],
  };
}

/** One that the caller may make volumes of. Throws "InvalidSnapshot.NotFound" for all others. */
export function usableSnapshot(id: string, { parts, caller }: AwsContext): SnapshotRecord {
  const found = parts.space.get("snapshot", id);
  if (found && isUsable(found, caller)) return found;
  throw absent("snapshot", [id]);
}

/** What filters see of a snapshot. */
export const snapshotFacts = (context: AwsContext): Facts<SnapshotRecord> => ({
  "snapshot-id": ({ name }) => name,
  description: ({ spec }) => spec.description,
  encrypted: ({ spec }) => String(spec.isEncrypted),
  "owner-id": ({ project }) => ownerOf(project, context),
  "owner-alias": () => undefined,
  progress: ({ status }) => `${status.progress}%`,
  "start-time": ({ spec }) => new Date(spec.createdAt).toISOString(),
  status: ({ status }) => status.state,
  "storage-tier": () => "standard",
  "volume-id": ({ spec }) => spec.volume ?? noVolume,
  "volume-size": ({ spec }) => String(spec.sizeBytes / GiB),
  ...tagFacts<SnapshotRecord>(),
});
