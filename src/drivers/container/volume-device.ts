import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { bareDeviceName } from "#/model/device-name.ts";
import type { VolumeOrder } from "#/model/hosting.ts";
import type { FrozenVolume, InstanceDriverParts, PreparedDisk } from "../instance-driver.ts";
import { runCommand, systemPath } from "../instances/command.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { volumeSecret } from "../instances/volume-secret.ts";
import { blockNodes, nodes } from "../vm/disk-nodes.ts";
import { copyVolume, leaveCopy } from "../vm/frozen-copy.ts";
import { makeDisk } from "../vm/make-disk.ts";
import { Qmp } from "../vm/qmp.ts";
import { keepSecrets } from "../vm/secret-files.ts";
import { instanceMark } from "./instance-mark.ts";
import { fileText } from "./supervisor.ts";
import { volumeScript } from "./volume-script.ts";

type Parts = Pick<
  InstanceDriverParts,
  "clock" | "files" | "processes" | "random" | "sockets" | "log"
>;

/** A volume while it is a block device of the machine, for a container. */
export interface VolumeDevice {
  volume: string;
  /** As its owner named it, without "/dev/": "sdf". */
  name: string;
  /** The loop device, and the number of it among them. */
  path: string;
  minor: number;
  /** The process that shows it, in whose mount namespace its file is. */
  pid: number;
  /** The file system that is on it, where it is one that the machine mounts. */
  type: "ext4" | "xfs" | undefined;
}

/**
 * Volumes of one container as block devices. The kernel knows no qcow2, so a storage daemon of QEMU's shows each as a file by
 * FUSE, seals and throttles it, and a loop device makes a disk of that. Both stay when the agent ends, in a mount namespace
 * of their own; each volume has a folder that tells of it.
 */
export class VolumeDevices {
  #parts: Parts;
  #folder: string;
  #mark: string;

  /** `folder`: where the volumes' folders are; `mark`: in the environment of all that is started. */
  constructor(parts: Parts, folder: string, mark: string) {
    this.#parts = parts;
    this.#folder = folder;
    this.#mark = mark;
  }

  /** Throws HostingError where it cannot be opened; nothing of it stays then. */
  async open(disk: PreparedDisk): Promise<VolumeDevice> {
    const { files, processes, clock } = this.#parts;
    const { volume, order } = disk;
    const there = await this.find(volume);
    if (there) return there;
    const folder = join(this.#folder, volume);
    const name = nameOf(disk);
    await files.remove(folder);
    await files.makeFolder(folder);
    const secrets = await keepSecrets(this.#parts, folder, [disk]);
    const secret = secrets.get(volume);
    const words = [
      ...(secret === undefined ? [] : ["--object", volumeSecret(volume, { file: secret })]),
      "--object",
      throttleOf(order),
      ...blockNodes(disk).flatMap((node) => ["--blockdev", node]),
      "--blockdev",
      {
        driver: "throttle",
        "node-name": throttled(volume),
        "throttle-group": groupOf(volume),
        file: nodes.format(volume),
      },
    ].map((word) => (typeof word === "string" ? word : JSON.stringify(word)));
    const put = await files.append(join(folder, "open.sh"));
    await put.write(volumeScript(folder, name, throttled(volume), words));
    await put.close();
    const process = processes.spawn(
      ["unshare", "--mount", "--propagation=private", "sh", join(folder, "open.sh")],
      {
        folder,
        env: { PATH: systemPath, LC_ALL: "C", [instanceMark]: this.#mark },
        detachedLog: join(folder, "open.log"),
      },
    );
    const state = { hasEnded: false };
    const ended = process.ended.then(
      () => void (state.hasEnded = true),
      () => void (state.hasEnded = true),
    );
    try {
      const latest = clock.monotonicMs() + limits.volumeOpenMs;
      for (;;) {
        const { hasEnded } = state;
        const device = await this.find(volume);
        if (device) return device;
        if (hasEnded || clock.monotonicMs() > latest) break;
        await sleep(clock, limits.containerBeginLookMs);
      }
      process.signal("SIGTERM");
      await ended;
      const log = (await fileText(this.#parts, join(folder, "open.log"))) ?? "";
      throw new HostingError(
        "Server.InternalError",
        `Cannot give ${volume} to a container of this machine: ${log.split("\n").slice(-3).join("; ")}`,
      );
    } finally {
      for (const file of secrets.values()) await files.remove(file);
    }
  }

  /** One that is open. */
  async find(volume: string): Promise<VolumeDevice | undefined> {
    const text = await fileText(this.#parts, join(this.#folder, volume, "device"));
    const [pid, ticks, path = "", name = "", type] = (text ?? "").split(" ");
    if (path === "" || !this.#parts.processes.isAlive(Number(pid), Number(ticks))) return undefined;
    const known = type === "ext4" || type === "xfs" ? type : undefined;
    return {
      volume,
      name,
      path,
      pid: Number(pid),
      minor: Number(/\d+$/.exec(path)?.[0]),
      type: known,
    };
  }

  /** Its file is nobody's when this resolves, and has all that was written. */
  async close(volume: string): Promise<void> {
    const { files, processes, clock } = this.#parts;
    const text = await fileText(this.#parts, join(this.#folder, volume, "device"));
    const [pid = 0, ticks = 0] = (text ?? "").split(" ").map(Number);
    const latest = clock.monotonicMs() + limits.volumeOpenMs;
    while (pid > 0 && processes.isAlive(pid, ticks)) {
      processes.kill(pid, clock.monotonicMs() < latest ? "SIGTERM" : "SIGKILL");
      await sleep(clock, 20);
    }
    await files.remove(join(this.#folder, volume));
  }

  /** All that were begun to be opened. */
  list(): Promise<string[]> {
    return this.#parts.files.list(this.#folder);
  }

  /** None of them is anybody's when this resolves. */
  async closeAll(): Promise<void> {
    const names = await this.list();
    await Promise.all(names.map((name) => this.close(name)));
  }

  /** It has grown, or has other limits. */
  async changed({ volume, order }: PreparedDisk): Promise<void> {
    await this.#with(volume, async (qmp) => {
      const { "qom-type": _type, id, limits: value } = throttleOf(order);
      await qmp.run("qom-set", { path: `/objects/${id}`, property: "limits", value });
      const all = await qmp.run<{ "node-name": string; image: { "virtual-size": number } }[]>(
        "query-named-block-nodes",
        { flat: true },
      );
      const node = all.find((one) => one["node-name"] === throttled(volume));
      if (!node || node.image["virtual-size"] >= order.sizeBytes) return;
      await qmp.run("block_resize", { "node-name": throttled(volume), size: order.sizeBytes });
    });
    const device = await this.find(volume);
    if (!device) return;
    // The file's size is remembered for a second where it is shown.
    const script = `for try in $(seq 50); do
  stat raw >/dev/null && losetup --set-capacity ${device.path} || exit 1
  [ "$(blockdev --getsize64 ${device.path})" -ge ${order.sizeBytes} ] && exit
  sleep 0.1
done
echo "${device.path} does not grow" >&2
exit 1`;
    const place = [`--mount=/proc/${device.pid}/ns/mnt`, "--wd=" + join(this.#folder, volume)];
    const said = await runCommand(this.#parts.processes, ["nsenter", ...place, "sh", "-c", script]);
    if (said.code !== 0)
      throw new HostingError(
        "Server.InternalError",
        `Cannot grow ${volume}: ${said.errors.trim()}`,
      );
  }

  /** What it holds at this moment, in a file of its own, while it goes on; sealed as it is itself. */
  async freeze(order: VolumeOrder): Promise<FrozenVolume> {
    const { volume, sizeBytes } = order;
    const folder = join(this.#folder, volume);
    const path = join(folder, "frozen.qcow2");
    const { files } = this.#parts;
    const release = () => files.remove(path);
    try {
      await files.remove(path);
      const { isOnBase } = await this.#with(volume, async (qmp) => {
        await leaveCopy(qmp, volume);
        await makeDisk(this.#parts, folder, { path, order, sizeBytes });
        return copyVolume(qmp, order, path);
      });
      return { path, isOnBase, release };
    } catch (thrown) {
      await release();
      throw thrown;
    }
  }

  async #with<T>(volume: string, work: (qmp: Qmp) => Promise<T>): Promise<T> {
    const { sockets, clock } = this.#parts;
    if (!(await this.find(volume)))
      throw new HostingError("Server.InternalError", `${volume} is not attached here`);
    const qmp = await Qmp.open(sockets, clock, join(this.#folder, volume, "qmp"));
    try {
      return await work(qmp);
    } finally {
      qmp.close();
    }
  }
}

/** Of the device that its owner named. Throws HostingError for a name that no device has. */
function nameOf({ volume, device }: PreparedDisk): string {
  const name = bareDeviceName(device);
  if (/^[a-z][a-z0-9]{0,15}$/.test(name)) return name;
  throw new HostingError(
    "Client.InvalidParameterValue",
    `Cannot attach ${volume} as its device must be named like '/dev/sdf': it is '${device}'`,
  );
}

const throttled = (volume: string) => `t-${volume}`;
const groupOf = (volume: string) => `g-${volume}`;

/** 0: no limit. */
function throttleOf({ volume, iops, bytesPerSecond }: VolumeOrder) {
  return {
    "qom-type": "throttle-group",
    id: groupOf(volume),
    limits: { "iops-total": iops, "bps-total": bytesPerSecond },
  };
}
