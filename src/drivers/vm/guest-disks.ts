import { limits } from "#/base/limits.ts";
import type { VolumeOrder } from "#/model/hosting.ts";
import type { FrozenVolume, InstanceDriverParts, PreparedDisk } from "../instance-driver.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { volumeSecret, volumeSecretId } from "../instances/volume-secret.ts";
import { limitDisk } from "./disk-limits.ts";
import { blockNodes, diskDevice, isLimited, nodes } from "./disk-nodes.ts";
import { copyVolume, leaveCopy } from "./frozen-copy.ts";
import { admitToJail, expelFromJail, giveToJail } from "./jail.ts";
import { makeDisk } from "./make-disk.ts";
import { passage, type Machine } from "./machine.ts";
import { QmpError, type Qmp } from "./qmp.ts";

interface NamedNode {
  "node-name": string;
  file: string;
  image: { "virtual-size": number };
}

/** The disks of a guest while it runs. What there is of them QEMU knows; nothing is remembered here. */
export class GuestDisks {
  #qmp: Qmp;
  #parts: Pick<InstanceDriverParts, "files" | "random" | "processes">;
  #folder: string;
  #machine: Machine;

  constructor(
    qmp: Qmp,
    parts: Pick<InstanceDriverParts, "files" | "random" | "processes">,
    folder: string,
    machine: Machine,
  ) {
    this.#qmp = qmp;
    this.#parts = parts;
    this.#folder = folder;
    this.#machine = machine;
  }

  /** Volumes that it has. */
  async list(): Promise<string[]> {
    const all = await this.#qmp.run<NamedNode[]>("query-named-block-nodes", { flat: true });
    const start = nodes.format("");
    return all
      .map((one) => one["node-name"])
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length));
  }

  /** Whether the guest has ever read of it. */
  async isRead(volume: string): Promise<boolean> {
    const all =
      await this.#qmp.run<{ qdev?: string; stats: { rd_operations: number } }[]>(
        "query-blockstats",
      );
    return all.some(
      ({ qdev = "", stats }) => qdev.includes(nodes.device(volume)) && stats.rd_operations > 0,
    );
  }

  async attach(disk: PreparedDisk): Promise<void> {
    const { volume, order } = disk;
    const { jail, type } = this.#machine;
    if (await this.#hasDevice(nodes.device(volume))) return;
    await this.#drop(volume); // of one that an agent has begun to give
    if (jail) await admitToJail(this.#parts.processes, jail, [disk]);
    const undo: [command: string, args: object][] = [];
    const step = async (command: string, args: object, back: [command: string, args: object]) => {
      await this.#qmp.run(command, args);
      undo.push(back);
    };
    try {
      if (order.key !== undefined) {
        const id = volumeSecretId(volume);
        await step("object-add", volumeSecret(volume, { data: order.key }), ["object-del", { id }]);
      }
      for (const node of blockNodes(disk) as { "node-name": string }[])
        await step("blockdev-add", node, ["blockdev-del", { "node-name": node["node-name"] }]);
      await this.#qmp.run("device_add", diskDevice(disk, { isRoot: false, type }));
      if (isLimited(disk)) await limitDisk(this.#qmp, disk);
    } catch (thrown) {
      for (const [command, args] of undo.reverse())
        await this.#qmp.run(command, args).catch(() => {});
      if (jail) await expelFromJail(this.#parts.processes, jail, [disk.path]);
      throw cannot(`attach the volume ${volume}`, thrown);
    }
  }

  /** Throws HostingError when the guest does not let it go. */
  async detach(volume: string): Promise<void> {
    const file = await this.#find(nodes.file(volume));
    if (!file) return;
    const id = nodes.device(volume);
    try {
      const gone = await this.#qmp.expect(
        () => this.#qmp.run("device_del", { id }).catch(unlessThere),
        ({ event, data }) => event === "DEVICE_DELETED" && data["device"] === id,
        limits.guestDetachMs,
      );
      if (!gone && (await this.#hasDevice(id)))
        throw new HostingError(
          "Server.InternalError",
          `Cannot detach the volume ${volume} as the guest does not let it go`,
        );
      await this.#drop(volume);
    } catch (thrown) {
      throw cannot(`detach the volume ${volume}`, thrown);
    }
    if (this.#machine.jail)
      await expelFromJail(this.#parts.processes, this.#machine.jail, [file.file]);
  }

  /** What is behind a device that is no more. */
  async #drop(volume: string): Promise<void> {
    for (const node of [nodes.format(volume), nodes.file(volume)])
      if (await this.#find(node)) await this.#qmp.run("blockdev-del", { "node-name": node });
    await this.#qmp.run("object-del", { id: volumeSecretId(volume) }).catch(() => {}); // not all have one
  }

  async changed(disk: PreparedDisk): Promise<void> {
    const { volume, order } = disk;
    try {
      await limitDisk(this.#qmp, disk);
      const node = nodes.format(volume);
      const found = await this.#find(node);
      if (found && found.image["virtual-size"] < order.sizeBytes)
        await this.#qmp.run("block_resize", { "node-name": node, size: order.sizeBytes });
    } catch (thrown) {
      throw cannot(`change the volume ${volume}`, thrown);
    }
  }

  /** Whatever ends in between, the volume itself is whole at all times. */
  async freeze(order: VolumeOrder): Promise<FrozenVolume> {
    const { volume } = order;
    const place = passage(this.#folder, this.#machine.jail, `frozen-${volume}.qcow2`);
    const release = () => this.#parts.files.remove(place.outside);
    try {
      await leaveCopy(this.#qmp, volume); // of an earlier one that the agent did not see the end of
      const source = await this.#find(nodes.format(volume));
      if (!source) throw new Error("it is not attached");
      const sizeBytes = source.image["virtual-size"];
      await makeDisk(this.#parts, this.#folder, { path: place.outside, order, sizeBytes });
      if (this.#machine.jail)
        await giveToJail(this.#parts.processes, this.#machine.jail, place.outside);
      const { isOnBase } = await copyVolume(this.#qmp, order, place.inside);
      return { path: place.outside, isOnBase, release };
    } catch (thrown) {
      await release();
      throw cannot(`copy the volume ${volume}`, thrown);
    }
  }

  async #find(node: string): Promise<NamedNode | undefined> {
    const all = await this.#qmp.run<NamedNode[]>("query-named-block-nodes", { flat: true });
    return all.find((one) => one["node-name"] === node);
  }

  #hasDevice(id: string): Promise<boolean> {
    return this.#qmp.run("qom-list", { path: `/machine/peripheral/${id}` }).then(
      () => true,
      () => false,
    );
  }
}

/** What is no device any more is gone already. */
function unlessThere(thrown: unknown): void {
  if (!(thrown instanceof QmpError && thrown.kind === "DeviceNotFound")) throw thrown;
}

function cannot(what: string, thrown: unknown): HostingError {
  if (thrown instanceof HostingError) return thrown;
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  const isFull = /No space left/.test(words);
  return new HostingError(
    isFull ? "Server.InsufficientVolumeCapacity" : "Server.InternalError",
    `Cannot ${what}: ${words}`,
    { cause: thrown },
  );
}
