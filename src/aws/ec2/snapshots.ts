import type {
  CopySnapshotCommandInput,
  CopySnapshotCommandOutput,
  CreateSnapshotCommandInput,
  CreateSnapshotCommandOutput,
  CreateSnapshotsCommandInput,
  CreateSnapshotsCommandOutput,
  DeleteSnapshotCommandInput,
  DeleteSnapshotCommandOutput,
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsCommandOutput,
  SnapshotInfo,
} from "@aws-sdk/client-ec2";
import {
  copySnapshot as copied,
  deleteSnapshot as deleted,
  isUsable,
} from "#/instances/snapshots.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { SnapshotRecord } from "#/model/volume.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { listed } from "./listing.ts";
import { ownOne } from "./own.ts";
import { ownerOf, snapshotFacts, snapshotView, usableSnapshot } from "./snapshot-view.ts";
import { tagList, tagsFor } from "./tag-list.ts";

const descriptionMax = 255;

function requireDescription(description = ""): string {
  if (description.length <= descriptionMax) return description;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value for parameter description is invalid: it has at most ${descriptionMax} characters.`,
  );
}

export const createSnapshot: AwsOperation<CreateSnapshotCommandInput, CreateSnapshotCommandOutput> =
  {
    asks: ({ VolumeId = "", TagSpecifications }, context) => [
      ...askOf("CreateSnapshot", [VolumeId], context),
      ...askToMake("CreateSnapshot", "snapshot", context, TagSpecifications),
    ],
    run({ VolumeId, Description, TagSpecifications }, context) {
      const volume = ownOne("volume", VolumeId, context);
      const made = context.parts.volumes.snapshot(volume, {
        description: requireDescription(Description),
        tags: tagsFor("snapshot", TagSpecifications),
      });
      return snapshotView(made, context);
    },
  };

/** Of all volumes that an instance has. */
export const createSnapshots: AwsOperation<
  CreateSnapshotsCommandInput,
  CreateSnapshotsCommandOutput
> = {
  asks: ({ InstanceSpecification: { InstanceId = "" } = {}, TagSpecifications }, context) => [
    ...askOf("CreateSnapshots", [InstanceId], context),
    ...askToMake("CreateSnapshots", "snapshot", context, TagSpecifications),
  ],
  run({ InstanceSpecification, Description, TagSpecifications, CopyTagsFromSource }, context) {
    const { InstanceId, ExcludeBootVolume = false } = InstanceSpecification ?? {};
    const { ExcludeDataVolumeIds = [] } = InstanceSpecification ?? {};
    const instance = ownOne("instance", InstanceId, context);
    const image = context.parts.space.get("image", instance.spec.image)?.spec.source;
    const root = image?.type === "disk" ? image.disks[0]?.device : undefined;
    const volumes = [...context.parts.space.all("volume")].filter(
      ({ name, status: { attachment } }) =>
        attachment?.instance === instance.name &&
        !ExcludeDataVolumeIds.includes(name) &&
        !(ExcludeBootVolume && attachment.device === root),
    );
    const description = requireDescription(Description);
    const tags = tagsFor("snapshot", TagSpecifications);
    const made = volumes.map((volume) =>
      context.parts.volumes.snapshot(volume, {
        description,
        tags: CopyTagsFromSource === "volume" ? { ...volume.spec.tags, ...tags } : tags,
      }),
    );
    return { Snapshots: made.map((record) => infoView(record, context)) };
  },
};

function infoView(record: SnapshotRecord, context: AwsContext): SnapshotInfo {
  const { SnapshotId, VolumeId, VolumeSize, StartTime, State, Progress, OwnerId } = snapshotView(
    record,
    context,
  );
  const { description: Description, isEncrypted: Encrypted, tags } = record.spec;
  const said = { SnapshotId, VolumeId, VolumeSize, StartTime, State, Progress, OwnerId };
  return { ...said, Description, Encrypted, Tags: tagList(tags) };
}

/** Of this region, which is the only one. */
export const copySnapshot: AwsOperation<CopySnapshotCommandInput, CopySnapshotCommandOutput> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CopySnapshot", "snapshot", context, TagSpecifications),
  run({ SourceSnapshotId = "", Description, TagSpecifications, Encrypted, KmsKeyId }, context) {
    const from = usableSnapshot(SourceSnapshotId, context);
    const isOther = KmsKeyId !== undefined || (Encrypted === true && !from.spec.isEncrypted);
    if (from.project !== context.caller.project || isOther)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "Only snapshots of your own are copied here, as they are: make a volume of it, and a snapshot of that.",
      );
    const tags = tagsFor("snapshot", TagSpecifications);
    const description = requireDescription(Description);
    const made = copied(context.parts, from, { description, tags });
    return { SnapshotId: made.name, Tags: tagList(tags) };
  },
};

export const deleteSnapshot: AwsOperation<DeleteSnapshotCommandInput, DeleteSnapshotCommandOutput> =
  {
    asks: ({ SnapshotId = "" }, context) => askOf("DeleteSnapshot", [SnapshotId], context),
    run({ SnapshotId }, context) {
      deleted(context.parts.space, ownOne("snapshot", SnapshotId, context));
      return {};
    },
  };

/** The caller's own, and those that others let it use. */
export const describeSnapshots: AwsOperation<
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsCommandOutput
> = {
  asks: () => askOfAll("DescribeSnapshots"),
  run({ SnapshotIds, OwnerIds = [], RestorableByUserIds = [], ...asked }, context) {
    const { caller, parts } = context;
    const owners = OwnerIds.map((id) => (id === "self" ? caller.accountId : id));
    const users = RestorableByUserIds.map((id) => (id === "self" ? caller.accountId : id));
    const isWanted = (record: SnapshotRecord) =>
      (owners.length === 0 || owners.includes(ownerOf(record.project, context))) &&
      (users.length === 0 || users.some((user) => isFor(record, user, context)));
    const { items, more } = listed(
      { ids: SnapshotIds, ...asked },
      {
        all: () =>
          [...parts.space.all("snapshot")].filter((one) => isUsable(one, caller) && isWanted(one)),
        find: (ids) => ids.map((id) => usableSnapshot(id, context)).filter(isWanted),
        facts: snapshotFacts(context),
      },
    );
    return { Snapshots: items.map((record) => snapshotView(record, context)), ...more };
  },
};

/** Whether who is named by `user`, "all" among them, was given it. */
function isFor({ spec, project }: SnapshotRecord, user: string, context: AwsContext): boolean {
  if (user === "all") return spec.isPublic === true;
  return ownerOf(project, context) === user || spec.sharedWith?.includes(user) === true;
}
