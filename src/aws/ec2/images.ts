import type {
  BlockDeviceMapping,
  CopyImageCommandInput,
  CopyImageCommandOutput,
  CreateImageCommandInput,
  CreateImageCommandOutput,
  DeregisterImageCommandInput,
  DeregisterImageCommandOutput,
  RegisterImageCommandInput,
  RegisterImageCommandOutput,
  SnapshotReturnCodes,
} from "@aws-sdk/client-ec2";
import { copyImage as copied } from "#/instances/image-changes.ts";
import { snapshotsOf } from "#/instances/image-of-instance.ts";
import { deleteSnapshot } from "#/instances/snapshots.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ImageDisk } from "#/model/image.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askToMake } from "./asks.ts";
import { ownOne } from "./own.ts";
import { tagsFor } from "./tag-list.ts";

const GiB = 2 ** 30;

/** As AWS has it. */
const isTitle = /^[\w ()[\]./'@-]{3,128}$/;

function requireTitle(title = ""): string {
  if (isTitle.test(title)) return title;
  throw new AwsError(
    "InvalidAMIName.Malformed",
    400,
    "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '[', ']', ' ', '.', '/', '-', ''', '@' and '_'",
  );
}

export const createImage: AwsOperation<CreateImageCommandInput, CreateImageCommandOutput> = {
  asks: ({ InstanceId = "", TagSpecifications }, context) => [
    ...askOf("CreateImage", [InstanceId], context),
    ...askToMake("CreateImage", "image", context, TagSpecifications),
  ],
  run({ InstanceId, Name, Description = "", BlockDeviceMappings = [], ...more }, context) {
    const instance = ownOne("instance", InstanceId, context);
    const leftOut = BlockDeviceMappings.flatMap(({ DeviceName = "", NoDevice }) =>
      NoDevice === undefined ? [] : DeviceName,
    );
    const added = BlockDeviceMappings.find(({ NoDevice }) => NoDevice === undefined);
    if (added && !isThere(added, instance.name, context))
      throw new AwsError(
        "UnsupportedOperation",
        400,
        `The instance has no disk '${(added.DeviceName ?? "").slice(0, 100)}': others are not added to an image here.`,
      );
    const { name } = context.parts.images.create(instance, {
      title: requireTitle(Name),
      description: Description,
      tags: tagsFor("image", more.TagSpecifications),
      leftOut,
      noReboot: more.NoReboot === true,
    });
    return { ImageId: name };
  },
};

function isThere({ DeviceName }: BlockDeviceMapping, instance: string, { parts }: AwsContext) {
  return [...parts.space.all("volume")].some(
    ({ status: { attachment } }) =>
      attachment?.instance === instance && attachment.device === DeviceName,
  );
}

/** Of snapshots of disks that hold all that a computer starts with. */
export const registerImage: AwsOperation<RegisterImageCommandInput, RegisterImageCommandOutput> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("RegisterImage", "image", context, TagSpecifications),
  run({ Name, Description = "", Architecture = "x86_64", ...more }, context) {
    if (more.ImageLocation !== undefined)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "Images are registered of snapshots here; files are imported by 'canopy images import'.",
      );
    if (Architecture !== "x86_64" && Architecture !== "arm64")
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Invalid value '${String(Architecture).slice(0, 50)}' for Architecture.`,
      );
    const disks = disksOf(more, context);
    const { name } = context.parts.images.register(context.caller.project, {
      title: requireTitle(Name),
      description: Description,
      architecture: Architecture,
      kinds: ["vm"],
      tags: tagsFor("image", more.TagSpecifications),
      disks,
    });
    return { ImageId: name };
  },
};

/** The root first. */
function disksOf(
  { RootDeviceName, BlockDeviceMappings = [] }: Partial<RegisterImageCommandInput>,
  context: AwsContext,
): ImageDisk[] {
  const disks = BlockDeviceMappings.map(({ DeviceName = "", Ebs = {} }) => {
    if (Ebs.SnapshotId === undefined)
      throw new AwsError(
        "InvalidBlockDeviceMapping",
        400,
        `The disk '${DeviceName.slice(0, 100)}' names no snapshot.`,
      );
    const { name, spec } = ownOne("snapshot", Ebs.SnapshotId, context);
    const sizeBytes = Ebs.VolumeSize === undefined ? spec.sizeBytes : Ebs.VolumeSize * GiB;
    if (sizeBytes < spec.sizeBytes)
      throw new AwsError(
        "InvalidBlockDeviceMapping",
        400,
        `Volume of ${Ebs.VolumeSize}GiB is smaller than snapshot '${name}'`,
      );
    const deletesOnTermination = Ebs.DeleteOnTermination ?? true;
    return { device: DeviceName, snapshot: name, sizeBytes, deletesOnTermination };
  });
  const root = RootDeviceName ?? disks[0]?.device;
  const isRoot = ({ device }: ImageDisk) => device === root;
  if (!disks.some(isRoot))
    throw new AwsError(
      "InvalidBlockDeviceMapping",
      400,
      "The request must contain a snapshot for the root device",
    );
  return [...disks.filter(isRoot), ...disks.filter((disk) => !isRoot(disk))];
}

/** Its snapshots stay, unless they are to be deleted with it. */
export const deregisterImage: AwsOperation<
  DeregisterImageCommandInput,
  DeregisterImageCommandOutput
> = {
  asks: ({ ImageId = "" }, context) => askOf("DeregisterImage", [ImageId], context),
  run({ ImageId, DeleteAssociatedSnapshots }, context) {
    const image = context.parts.images.deregister(ownOne("image", ImageId, context));
    if (DeleteAssociatedSnapshots !== true) return { Return: true };
    const DeleteSnapshotResults = snapshotsOf(image.spec.source).map((SnapshotId) => ({
      SnapshotId,
      ReturnCode: deletedWithImage(SnapshotId, context),
    }));
    return { Return: true, DeleteSnapshotResults };
  },
};

/** One that another image is made of is skipped. */
function deletedWithImage(id: string, context: AwsContext): SnapshotReturnCodes {
  const { space } = context.parts;
  const snapshot = space.get("snapshot", id);
  if (!snapshot) return "skipped";
  if (!askOf("DeleteSnapshot", [id], context).every((ask) => context.isAllowed(ask)))
    return "missing-permissions";
  try {
    deleteSnapshot(space, snapshot);
    return "success";
  } catch (thrown) {
    if (thrown instanceof AwsError) return "skipped";
    throw thrown;
  }
}

/** Of this region, which is the only one. */
export const copyImage: AwsOperation<CopyImageCommandInput, CopyImageCommandOutput> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CopyImage", "image", context, TagSpecifications),
  run({ SourceImageId = "", Name, Description, TagSpecifications, CopyImageTags }, context) {
    const { parts, caller } = context;
    const image = parts.images.find(caller, SourceImageId);
    if (image.project !== caller.project)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "Only images of your own are copied here: make one of an instance of it.",
      );
    if (image.status.state !== "available")
      throw new AwsError(
        "InvalidAMIID.Unavailable",
        400,
        `The image ID '${image.name}' is not available: it is ${image.status.state}.`,
      );
    const tags = tagsFor("image", TagSpecifications);
    const { name } = copied(parts, image, {
      title: requireTitle(Name),
      description: Description ?? image.spec.description,
      tags: CopyImageTags === true ? { ...image.spec.tags, ...tags } : tags,
    });
    return { ImageId: name };
  },
};
