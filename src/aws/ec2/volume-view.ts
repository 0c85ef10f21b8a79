import type { Volume, VolumeAttachment, VolumeModification } from "@aws-sdk/client-ec2";
import { rateOf } from "#/instances/volume-types.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { tagList } from "./tag-list.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;

/** As EC2 tells a volume. */
export function volumeView(record: VolumeRecord): Volume {
  const { name, spec, status } = record;
  const { iops, bytesPerSecond } = rateOf(spec);
  return {
    VolumeId: name,
    State: status.state,
    Size: spec.sizeBytes / GiB,
    VolumeType: spec.type,
    CreateTime: new Date(spec.createdAt),
    AvailabilityZone: spec.zone,
    Encrypted: spec.isEncrypted,
    SnapshotId: spec.snapshot ?? "",
    ...(spec.type !== "standard" && { Iops: iops }),
    ...(spec.type === "gp3" && { Throughput: Math.round(bytesPerSecond / MiB) }),
    ...(spec.kmsKeyId !== undefined && { KmsKeyId: spec.kmsKeyId }),
    Attachments: status.attachment ? [attachmentView(record)] : [],
    MultiAttachEnabled: false,
    Tags: tagList(spec.tags),
  };
}

/** Of a volume that an instance has or had until now. */
export function attachmentView({ name, status: { attachment } }: VolumeRecord): VolumeAttachment {
  const isBusy = attachment?.state === "detaching" && attachment.reason !== undefined;
  return {
    VolumeId: name,
    ...(attachment && {
      InstanceId: attachment.instance,
      Device: attachment.device,
      State: isBusy ? ("busy" as const) : attachment.state,
      AttachTime: new Date(attachment.since),
      DeleteOnTermination: attachment.deletesOnTermination,
    }),
  };
}

/** Undefined for one that was never modified. It is done when its file is as large as it is to be, wherever it has one. */
export function modificationView({
  name,
  spec,
  status,
}: VolumeRecord): VolumeModification | undefined {
  const { modified } = spec;
  if (!modified) return undefined;
  const { grownBytes } = status;
  const hasGrown = grownBytes !== undefined && grownBytes >= spec.sizeBytes;
  const isDone =
    status.machine === undefined || hasGrown || modified.from.sizeBytes === spec.sizeBytes;
  const [before, now] = [rateOf(modified.from), rateOf(spec)];
  return {
    VolumeId: name,
    ModificationState: isDone ? "completed" : "modifying",
    Progress: isDone ? 100 : 0,
    StartTime: new Date(modified.at),
    ...(isDone && { EndTime: new Date(modified.at) }),
    OriginalSize: modified.from.sizeBytes / GiB,
    OriginalVolumeType: modified.from.type,
    OriginalIops: before.iops,
    OriginalThroughput: Math.round(before.bytesPerSecond / MiB),
    TargetSize: spec.sizeBytes / GiB,
    TargetVolumeType: spec.type,
    TargetIops: now.iops,
    TargetThroughput: Math.round(now.bytesPerSecond / MiB),
  };
}

/** What filters see of a volume. */
export const volumeFacts: Facts<VolumeRecord> = {
  "volume-id": ({ name }) => name,
  "volume-type": ({ spec }) => spec.type,
  "availability-zone": ({ spec }) => spec.zone,
  "create-time": ({ spec }) => new Date(spec.createdAt).toISOString(),
  encrypted: ({ spec }) => String(spec.isEncrypted),
  size: ({ spec }) => String(spec.sizeBytes / GiB),
  "snapshot-id": ({ spec }) => spec.snapshot,
  status: ({ status }) => status.state,
  "multi-attach-enabled": () => "false",
  "fast-restored": () => "false",
  "attachment.instance-id": ({ status }) => status.attachment?.instance,
  "attachment.device": ({ status }) => status.attachment?.device,
  "attachment.status": ({ status }) => status.attachment?.state,
  "attachment.attach-time": ({ status }) =>
    status.attachment && new Date(status.attachment.since).toISOString(),
  "attachment.delete-on-termination": ({ status }) =>
    status.attachment && String(status.attachment.deletesOnTermination),
  ...tagFacts<VolumeRecord>(),
};
