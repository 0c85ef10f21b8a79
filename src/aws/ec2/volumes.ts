import type {
  AttachVolumeCommandInput,
  AttachVolumeCommandOutput,
  CreateVolumeCommandInput,
  CreateVolumeCommandOutput,
  DeleteVolumeCommandInput,
  DeleteVolumeCommandOutput,
  DetachVolumeCommandInput,
  DetachVolumeCommandOutput,
} from "@aws-sdk/client-ec2";
import { volumeTypeOf } from "#/instances/launch.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askToMake } from "./asks.ts";
import { clientTokenOf } from "./client-token.ts";
import { ownAll, ownOne } from "./own.ts";
import { volumeConditions } from "./resource-conditions.ts";
import { usableSnapshot } from "./snapshot-view.ts";
import { tagsFor } from "./tag-list.ts";
import { asksToOpen, asksToSeal, volumeKeyArn } from "./volume-key.ts";
import { attachmentView, volumeView } from "./volume-view.ts";
import { requireZone } from "./zones.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;

/** The same token makes one volume. */
export const createVolume: AwsOperation<CreateVolumeCommandInput, CreateVolumeCommandOutput> = {
  asks: (input, context) => [
    ...askToMake("CreateVolume", "volume", context, input.TagSpecifications, factsOf(input)),
    ...askOf("CreateVolume", input.SnapshotId === undefined ? [] : [input.SnapshotId], context),
    ...asksToSeal(input, input.SnapshotId, context),
  ],
  run(input, context) {
    const { parts, caller } = context;
    const { Size, SnapshotId, VolumeType, Iops, Throughput } = input;
    const kmsKeyId = volumeKeyArn(input, context);
    const clientToken = clientTokenOf(input);
    const zone = requireZone(input.AvailabilityZone, context);
    const asked = {
      type: volumeTypeOf(VolumeType ?? "gp2"),
      isEncrypted: input.Encrypted === true,
      zone,
      tags: tagsFor("volume", input.TagSpecifications),
      ...(SnapshotId !== undefined && { snapshot: usableSnapshot(SnapshotId, context) }),
      ...(Size !== undefined && { sizeBytes: Size * GiB }),
      ...(Iops !== undefined && { iops: Iops }),
      ...(Throughput !== undefined && { bytesPerSecond: Throughput * MiB }),
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      ...(clientToken !== undefined && { clientToken }),
    };
    const before = clientToken === undefined ? undefined : madeBy(clientToken, context);
    if (before) {
      requireSame(before, asked);
      return volumeView(before);
    }
    return volumeView(parts.volumes.create(caller.project, asked));
  },
};

const factsOf = ({
  AvailabilityZone,
  VolumeType = "gp2",
  Size,
  ...more
}: CreateVolumeCommandInput) =>
  volumeConditions({
    type: VolumeType,
    isEncrypted: more.Encrypted === true,
    zone: AvailabilityZone,
    sizeBytes: Size === undefined ? undefined : Size * GiB,
    snapshot: more.SnapshotId,
  });

function madeBy(token: string, context: AwsContext): VolumeRecord | undefined {
  return ownAll("volume", context).find(({ spec }) => spec.clientToken === token);
}

function requireSame(
  { spec }: VolumeRecord,
  asked: { type: string; zone: string; sizeBytes?: number; snapshot?: { name: string } },
): void {
  const isSame =
    spec.type === asked.type &&
    spec.zone === asked.zone &&
    (asked.sizeBytes === undefined || spec.sizeBytes === asked.sizeBytes) &&
    spec.snapshot === asked.snapshot?.name;
  if (!isSame)
    throw new AwsError(
      "IdempotentParameterMismatch",
      400,
      "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    );
}

export const deleteVolume: AwsOperation<DeleteVolumeCommandInput, DeleteVolumeCommandOutput> = {
  asks: ({ VolumeId = "" }, context) => askOf("DeleteVolume", [VolumeId], context),
  run({ VolumeId }, context) {
    context.parts.volumes.delete(ownOne("volume", VolumeId, context));
    return {};
  },
};

export const attachVolume: AwsOperation<AttachVolumeCommandInput, AttachVolumeCommandOutput> = {
  asks: ({ VolumeId = "", InstanceId = "" }, context) => [
    ...askOf("AttachVolume", [VolumeId, InstanceId], context),
    ...asksToOpen([VolumeId], context),
  ],
  run({ VolumeId, InstanceId, Device = "" }, context) {
    const volume = ownOne("volume", VolumeId, context);
    const instance = ownOne("instance", InstanceId, context);
    if (Device === "")
      throw new AwsError("MissingParameter", 400, "The request must contain the parameter device");
    return attachmentView(context.parts.volumes.attach(volume, instance, Device));
  },
};

/** Throws "InvalidAttachment.NotFound" where another instance or device is named than that it has. */
export const detachVolume: AwsOperation<DetachVolumeCommandInput, DetachVolumeCommandOutput> = {
  asks({ VolumeId = "", InstanceId }, context) {
    const volume = ownAll("volume", context).find(({ name }) => name === VolumeId);
    const instance = InstanceId ?? volume?.status.attachment?.instance;
    return askOf(
      "DetachVolume",
      [VolumeId, ...(instance === undefined ? [] : [instance])],
      context,
    );
  },
  run({ VolumeId, InstanceId, Device }, context) {
    const volume = ownOne("volume", VolumeId, context);
    const { attachment } = volume.status;
    if (InstanceId !== undefined) ownOne("instance", InstanceId, context);
    const isOther =
      attachment &&
      ((InstanceId !== undefined && InstanceId !== attachment.instance) ||
        (Device !== undefined && Device !== attachment.device));
    if (isOther)
      throw new AwsError(
        "InvalidAttachment.NotFound",
        400,
        `The volume '${volume.name}' is not attached as it is said to be.`,
      );
    const { status } = context.parts.volumes.detach(volume);
    const view = attachmentView(volume);
    return { ...view, State: status.attachment ? "detaching" : "detached" };
  },
};
