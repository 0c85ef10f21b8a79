import type {
  DescribeVolumesModificationsCommandInput,
  DescribeVolumesModificationsCommandOutput,
  ModifyVolumeCommandInput,
  ModifyVolumeCommandOutput,
} from "@aws-sdk/client-ec2";
import { volumeTypeOf } from "#/instances/launch.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { AwsOperation } from "../call.ts";
import { askOf, askOfAll } from "./asks.ts";
import type { Facts } from "./filters.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";
import { modificationView } from "./volume-view.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;

/** Grows a volume, or makes it another type, also while an instance has it. */
export const modifyVolume: AwsOperation<ModifyVolumeCommandInput, ModifyVolumeCommandOutput> = {
  asks: ({ VolumeId = "" }, context) => askOf("ModifyVolume", [VolumeId], context),
  run({ VolumeId, Size, VolumeType, Iops, Throughput }, context) {
    const volume = ownOne("volume", VolumeId, context);
    if (modificationView(volume)?.ModificationState === "modifying")
      throw new AwsError(
        "IncorrectModificationState",
        400,
        `The volume '${volume.name}' is being modified.`,
      );
    const changed = context.parts.volumes.modify(volume, {
      ...(Size !== undefined && { sizeBytes: Size * GiB }),
      ...(VolumeType !== undefined && { type: volumeTypeOf(VolumeType) }),
      ...(Iops !== undefined && { iops: Iops }),
      ...(Throughput !== undefined && { bytesPerSecond: Throughput * MiB }),
    });
    return { VolumeModification: modificationView(changed) };
  },
};

/** Of those that were modified once. Throws "InvalidVolumeModification.NotFound" for one by name that never was. */
export const describeVolumesModifications: AwsOperation<
  DescribeVolumesModificationsCommandInput,
  DescribeVolumesModificationsCommandOutput
> = {
  asks: () => askOfAll("DescribeVolumesModifications"),
  run({ VolumeIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: VolumeIds, ...asked },
      {
        all: () => ownAll("volume", context).filter(({ spec }) => spec.modified),
        find(ids) {
          const found = own("volume", ids, context);
          const never = found.find(({ spec }) => !spec.modified);
          if (!never) return found;
          throw new AwsError(
            "InvalidVolumeModification.NotFound",
            400,
            `Modification for volume '${never.name}' does not exist.`,
          );
        },
        facts,
        pageMin: 1,
        pageMax: 500,
      },
    );
    return { VolumesModifications: items.map((record) => modificationView(record)!), ...more };
  },
};

const text = (value: unknown) => (value === undefined ? undefined : String(value));

const facts: Facts<VolumeRecord> = {
  "volume-id": ({ name }) => name,
  "modification-state": (record) => modificationView(record)?.ModificationState,
  "original-size": (record) => text(modificationView(record)?.OriginalSize),
  "original-volume-type": (record) => modificationView(record)?.OriginalVolumeType,
  "original-iops": (record) => text(modificationView(record)?.OriginalIops),
  "target-size": (record) => text(modificationView(record)?.TargetSize),
  "target-volume-type": (record) => modificationView(record)?.TargetVolumeType,
  "target-iops": (record) => text(modificationView(record)?.TargetIops),
  "start-time": (record) => modificationView(record)?.StartTime?.toISOString(),
};
