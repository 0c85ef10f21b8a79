import { AwsError } from "#/model/aws-error.ts";
import { bareDeviceName, isDeviceName } from "#/model/device-name.ts";
import type { ImageRecord } from "#/model/image.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { Space } from "#/space/space.ts";
import { volumesOf } from "./bind.ts";

/** The device that an instance starts from, as its image says; undefined where that is no disk. */
export function rootDeviceOf(image: ImageRecord | undefined): string | undefined {
  return image?.spec.source.type === "disk" ? image.spec.source.disks[0]?.device : undefined;
}

/** The volumes of an instance: the one that it starts from, then the others by their devices. */
export function disksOf(
  space: Pick<Space, "all" | "get">,
  { name, spec }: InstanceRecord,
): VolumeRecord[] {
  const root = rootDeviceOf(space.get("image", spec.image));
  // Nothing is named like "".
  const rank = ({ status }: VolumeRecord) =>
    status.attachment!.device === root ? "" : status.attachment!.device;
  return volumesOf(space, name).sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

/** Throws "InvalidParameterValue" for what names no device. */
export function requireDevice(name: string): string {
  if (isDeviceName(name)) return name;
  const shown = name.slice(0, 100);
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${shown}) for parameter device is invalid. ${shown} is not a valid EBS device name.`,
  );
}

/** Throws "InvalidBlockDeviceMapping" where a device is named twice. */
export function requireDistinctDevices(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const bare = bareDeviceName(name);
    if (seen.has(bare))
      throw new AwsError(
        "InvalidBlockDeviceMapping",
        400,
        `The device '${name.slice(0, 100)}' is used in more than one block-device mapping`,
      );
    seen.add(bare);
  }
}
