import type { BlockDeviceMapping, Image } from "@aws-sdk/client-ec2";
import type { ImageRecord } from "#/model/image.ts";
import type { AwsContext } from "../call.ts";
import { tagFacts, type Facts } from "./filters.ts";
import { ownerOf } from "./snapshot-view.ts";
import { tagList } from "./tag-list.ts";

const GiB = 2 ** 30;

const rootOf = ({ spec: { source } }: ImageRecord) =>
  source.type === "disk" ? source.disks[0]?.device : undefined;

export function imageMappings(
  { spec: { source } }: ImageRecord,
  { parts }: AwsContext,
): BlockDeviceMapping[] {
  if (source.type !== "disk") return [];
  return source.disks.map(({ device, snapshot, sizeBytes, deletesOnTermination }) => ({
    DeviceName: device,
    Ebs: {
      SnapshotId: snapshot,
      VolumeSize: sizeBytes / GiB,
      VolumeType: "gp3" as const,
      DeleteOnTermination: deletesOnTermination,
      Encrypted: parts.space.get("snapshot", snapshot)?.spec.isEncrypted ?? false,
    },
  }));
}

/** As EC2 tells an image; its tags are its owner's alone. */
export function imageView(record: ImageRecord, context: AwsContext): Image {
  const { name, spec, status, project } = record;
  const owner = ownerOf(project, context);
  const isOwn = project === context.caller.project;
  const root = rootOf(record);
  return {
    ImageId: name,
    Name: spec.title,
    Description: spec.description,
    ImageLocation: `${owner}/${spec.title}`,
    CreationDate: new Date(spec.createdAt).toISOString(),
    OwnerId: owner,
    Public: spec.isPublic,
    State: status.state,
    ...(status.reason !== undefined && {
      StateReason: { Code: "Server.InternalError", Message: status.reason },
    }),
    Architecture: spec.architecture,
    ImageType: "machine",
    PlatformDetails: "Linux/UNIX",
    UsageOperation: "RunInstances",
    RootDeviceType: root === undefined ? "instance-store" : "ebs",
    ...(root !== undefined && { RootDeviceName: root }),
    BlockDeviceMappings: imageMappings(record, context),
    VirtualizationType: "hvm",
    Hypervisor: "xen",
    EnaSupport: false,
    ImdsSupport: "v2.0",
    ...(isOwn && spec.madeOf !== undefined && { SourceInstanceId: spec.madeOf }),
    ProductCodes: [],
    Tags: isOwn ? tagList(spec.tags) : [],
  };
}

/** What filters see of an image. */
export const imageFacts = (context: AwsContext): Facts<ImageRecord> => ({
  "image-id": ({ name }) => name,
  name: ({ spec }) => spec.title,
  description: ({ spec }) => spec.description,
  architecture: ({ spec }) => spec.architecture,
  "creation-date": ({ spec }) => new Date(spec.createdAt).toISOString(),
  "image-type": () => "machine",
  "is-public": ({ spec }) => String(spec.isPublic),
  "manifest-location": ({ spec, project }) => `${ownerOf(project, context)}/${spec.title}`,
  "owner-id": ({ project }) => ownerOf(project, context),
  "owner-alias": () => undefined,
  platform: () => undefined,
  "root-device-name": rootOf,
  "root-device-type": (record) => (rootOf(record) === undefined ? "instance-store" : "ebs"),
  "source-instance-id": ({ spec, project }) =>
    project === context.caller.project ? spec.madeOf : undefined,
  state: ({ status }) => status.state,
  "virtualization-type": () => "hvm",
  hypervisor: () => "xen",
  "ena-support": () => "false",
  "block-device-mapping.device-name": (record) =>
    imageMappings(record, context).flatMap(({ DeviceName }) => DeviceName ?? []),
  "block-device-mapping.snapshot-id": (record) =>
    imageMappings(record, context).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
  "block-device-mapping.volume-size": (record) =>
    imageMappings(record, context).map(({ Ebs }) => String(Ebs?.VolumeSize)),
  "block-device-mapping.volume-type": (record) =>
    imageMappings(record, context).flatMap(({ Ebs }) => Ebs?.VolumeType ?? []),
  "block-device-mapping.delete-on-termination": (record) =>
    imageMappings(record, context).map(({ Ebs }) => String(Ebs?.DeleteOnTermination)),
  "block-device-mapping.encrypted": (record) =>
    imageMappings(record, context).map(({ Ebs }) => String(Ebs?.Encrypted)),
  ...tagFacts<ImageRecord>(),
});
