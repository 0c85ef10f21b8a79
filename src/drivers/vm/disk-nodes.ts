import type { VolumeOrder } from "#/model/hosting.ts";
import type { PreparedDisk } from "../instance-driver.ts";
import { volumeSecretId } from "../instances/volume-secret.ts";
import type { MachineType } from "./machine.ts";

/**
 * What QEMU is told of a disk: its file, what qcow2 makes of it, and the device that the guest sees. The limits are the
 * device's and not its data's: what is copied of it beside the guest does not use them up.
 */
export const nodes = {
  file: (volume: string) => `f-${volume}`,
  format: (volume: string) => `q-${volume}`,
  base: (volume: string) => `b-${volume}`,
  device: (volume: string) => `d-${volume}`,
};

export const isLimited = ({ order }: PreparedDisk) => order.iops > 0 || order.bytesPerSecond > 0;

/** To be told to QEMU by "block_set_io_throttle" of a device; 0 is no limit. */
export function deviceLimits({ order }: PreparedDisk): object {
  return {
    bps: order.bytesPerSecond,
    bps_rd: 0,
    bps_wr: 0,
    iops: order.iops,
    iops_rd: 0,
    iops_wr: 0,
  };
}

export function blockNodes({ volume, path, below, order }: PreparedDisk): object[] {
  const names = { file: nodes.file(volume), format: nodes.format(volume) };
  const base = below === undefined ? null : baseNode(volume, below);
  return qcow2Nodes(order, path, { ...names, base });
}

/** The same for a copy of it, sealed as it is, which stands on the node `base`. */
export function copyNodes(
  order: VolumeOrder,
  path: string,
  names: { file: string; format: string; base: string | null },
): object[] {
  return qcow2Nodes(order, path, names);
}

/** What it stands on is told, and not looked for in what a guest has written. */
function qcow2Nodes(
  { volume, key }: VolumeOrder,
  path: string,
  names: { file: string; format: string; base: object | string | null },
): object[] {
  return [
    { driver: "file", "node-name": names.file, filename: path, discard: "unmap" },
    {
      driver: "qcow2",
      "node-name": names.format,
      file: names.file,
      backing: names.base,
      discard: "unmap",
      "detect-zeroes": "unmap",
      ...(key !== undefined && {
        encrypt: { format: "luks", "key-secret": volumeSecretId(volume) },
      }),
    },
  ];
}

const baseNode = (volume: string, path: string) => ({
  driver: "raw",
  "node-name": nodes.base(volume),
  "read-only": true,
  file: { driver: "file", filename: path, "read-only": true },
});

/**
 * The root is there from the beginning; others come and go, for which a machine without buses has only SCSI. Both ends
 * of a move must agree on where each is: its place follows from the name that its owner gave it.
 */
export function diskDevice(
  disk: PreparedDisk,
  place: { isRoot: boolean; type: MachineType },
): object {
  const told = {
    id: nodes.device(disk.volume),
    drive: nodes.format(disk.volume),
    serial: serialOf(disk.volume),
  };
  if (!place.isRoot)
    return { driver: "scsi-hd", bus: "scsi.0", "scsi-id": slotOf(disk.device), ...told };
  return place.type === "microvm"
    ? { driver: "virtio-blk-device", ...told }
    : { driver: "virtio-blk-pci", bootindex: 1, ...told }; // 0 is that of a kernel which is given
}

/** As EC2 tells guests of volumes: without its hyphen, which makes it as long as a serial number may be. */
const serialOf = (volume: string) => volume.replace("-", "");

/** "/dev/sdf" and "/dev/xvdf" are both the sixth; "/dev/nvme1n1" comes after all letters. */
export function slotOf(device: string): number {
  const [, letters] = /^(?:\/dev\/)?(?:sd|xvd|vd|hd)([a-z]{1,2})\d*$/.exec(device) ?? [];
  if (letters !== undefined) {
    const slot = Buffer.from(letters).reduce((sum, letter) => sum * 26 + letter - 96, 0) - 1;
    return slot % slots;
  }
  const [digits] = /\d+/.exec(device) ?? ["0"];
  return lettersSlots + (Number(digits) % (slots - lettersSlots));
}

/** Targets that virtio-scsi has. */
const slots = 256;
const lettersSlots = 156;
