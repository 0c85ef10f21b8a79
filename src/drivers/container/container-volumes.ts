import { limits } from "#/base/limits.ts";
import type { VolumeOrder } from "#/model/hosting.ts";
import type { FrozenVolume, InstanceDriverParts, PreparedDisk } from "../instance-driver.ts";
import { runCommand } from "../instances/command.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { quoted } from "../instances/quoted.ts";
import type { VolumeDevice, VolumeDevices } from "./volume-device.ts";

const loopMajor = 7;

/**
 * Where a container sees a volume: in /volumes by its name, as a folder where there is a file system on it that the machine
 * mounts, else as a block device. What comes to /volumes outside shows inside.
 */
export const volumesFolder = "volumes";

/** Shell that puts a volume into /volumes, where that is below `place`. */
export function giveScript(place: string, device: VolumeDevice): string {
  const at = quoted(`${place}/${volumesFolder}/${device.name}`);
  const owner = `${limits.containerOwnerBase}:${limits.containerOwnerBase}`;
  if (!device.type)
    return `rm -f ${at} && mknod -m 600 ${at} b ${loopMajor} ${device.minor} && chown ${owner} ${at}`;
  // Made by a program of the container, it belongs to who is root out here: whoever has nothing on it yet may be given it.
  const isNew = `[ "$(ls -A ${at} | grep -v '^lost+found$')" = "" ]`;
  return (
    `if ! mountpoint -q ${at}; then mkdir -p ${at} && mount -t ${device.type} -o nosuid,nodev ${device.path} ${at} && ` +
    `{ if ${isNew}; then chown ${owner} ${at}; fi; }; fi`
  );
}

function takeScript(place: string, device: VolumeDevice): string {
  const at = quoted(`${place}/${volumesFolder}/${device.name}`);
  if (!device.type) return `blockdev --flushbufs ${device.path}; rm -f ${at}`;
  return `if mountpoint -q ${at}; then umount ${at}; fi && { [ ! -e ${at} ] || rmdir ${at}; }`;
}

/** The volumes of a container while it runs. */
export class ContainerVolumes {
  #processes: InstanceDriverParts["processes"];
  #devices: VolumeDevices;
  #place: string;
  /** What stays beside the container, in whose mount namespace `place` is. */
  #supervisor: number;

  constructor(
    { processes }: Pick<InstanceDriverParts, "processes">,
    devices: VolumeDevices,
    place: string,
    supervisor: number,
  ) {
    this.#processes = processes;
    this.#devices = devices;
    this.#place = place;
    this.#supervisor = supervisor;
  }

  list(): Promise<string[]> {
    return this.#devices.list();
  }

  async attach(disk: PreparedDisk): Promise<void> {
    const device = await this.#devices.open(disk); // the same one, where it is open
    try {
      await this.#inside(giveScript(this.#place, device), `attach ${disk.volume}`);
    } catch (thrown) {
      await this.#devices.close(disk.volume);
      throw thrown;
    }
  }

  /** Throws HostingError while a program of the container has files of it open. */
  async detach(volume: string): Promise<void> {
    const device = await this.#devices.find(volume);
    if (device) await this.#inside(takeScript(this.#place, device), `detach ${volume}`);
    await this.#devices.close(volume);
  }

  async changed(disk: PreparedDisk): Promise<void> {
    await this.#devices.changed(disk);
    const device = await this.#devices.find(disk.volume);
    if (!device) return;
    const { path, type, name } = device;
    const at = quoted(`${this.#place}/${volumesFolder}/${name}`);
    const grow = { ext4: `resize2fs ${path}`, xfs: `xfs_growfs ${at}` };
    if (type) await this.#inside(grow[type], `grow ${disk.volume}`);
  }

  async freeze(order: VolumeOrder): Promise<FrozenVolume> {
    const device = await this.#devices.find(order.volume);
    if (device) {
      const at = quoted(`${this.#place}/${volumesFolder}/${device.name}`);
      const flush = device.type ? `sync -f ${at}` : `blockdev --flushbufs ${device.path}`;
      await this.#inside(flush, `copy ${order.volume}`);
    }
    return this.#devices.freeze(order);
  }

  async #inside(script: string, what: string): Promise<void> {
    const where = ["nsenter", `--mount=/proc/${this.#supervisor}/ns/mnt`, "sh", "-c", script];
    const { code, errors } = await runCommand(this.#processes, where);
    if (code !== 0)
      throw new HostingError("Server.InternalError", `Cannot ${what}: ${errors.trim()}`);
  }
}
