import { sleep, type Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { Disks, DiskSource } from "#/drivers/instance-driver.ts";
import { hostingReason } from "#/drivers/instances/hosting-error.ts";
import type {
  FilesSnapshotOrder,
  SnapshotOrder,
  SnapshotReport,
  VolumeSnapshotOrder,
} from "#/model/hosting.ts";
import type { ImageBlob } from "#/model/image.ts";

export type SnapshotSource = DiskSource & { release(): Promise<void> };

interface SnapshotParts {
  clock: Clock;
  disks: Disks;
  log: Log;
  /** The volume as it is at this moment, in a file that nothing writes to until it is released. */
  sourceOf(volume: string): Promise<SnapshotSource>;
  /** Keeps the files of an instance as layers. */
  filesOf(order: FilesSnapshotOrder): Promise<readonly ImageBlob[]>;
  say(report: SnapshotReport): void;
}

/** Takes snapshots that are wanted, one after the other. What was taken is said until nobody asks for it any more. */
export class KeptSnapshots {
  #parts: SnapshotParts;
  #reports = new Map<string, SnapshotReport>();
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  wanted(orders: readonly SnapshotOrder[], isAll: boolean): void {
    if (isAll) {
      const named = new Set(orders.map(({ snapshot }) => snapshot));
      for (const name of this.#reports.keys()) if (!named.has(name)) this.#reports.delete(name);
    }
    for (const order of orders) {
      if (this.#reports.has(order.snapshot)) continue;
      this.#reports.set(order.snapshot, {
        snapshot: order.snapshot,
        state: "reading",
        progress: 0,
      });
      this.#last = this.#last.then(() => this.#take(order));
    }
  }

  reports(): SnapshotReport[] {
    return [...this.#reports.values()];
  }

  /** Resolves when the one that is being taken is. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#last;
  }

  async #take(order: SnapshotOrder): Promise<void> {
    const { snapshot } = order;
    const { clock, log } = this.#parts;
    for (let tries = 1; !this.#isClosed; tries++) {
      try {
        return await ("volume" in order ? this.#read(order) : this.#keepFiles(order));
      } catch (thrown) {
        log.warn(`the snapshot ${snapshot} cannot be taken`, { error: messageOf(thrown) });
        const { code, message } = hostingReason(thrown);
        if (code.startsWith("Client.") || tries >= limits.instanceStartsMax)
          return this.#say({ snapshot, state: "failed", progress: 0, reason: message });
        await sleep(clock, limits.instanceRetryMs * 2 ** tries);
      }
    }
  }

  async #keepFiles(order: FilesSnapshotOrder): Promise<void> {
    const layers = await this.#parts.filesOf(order);
    this.#say({ snapshot: order.snapshot, state: "done", progress: 100, layers });
  }

  async #read(order: VolumeSnapshotOrder): Promise<void> {
    const { disks, sourceOf } = this.#parts;
    const { snapshot, volume } = order;
    const { release, ...source } = await sourceOf(volume);
    try {
      const { manifest, newBytes } = await disks.keep(order, source, (progress) =>
        this.#say({ snapshot, state: "reading", progress }),
      );
      this.#say({ snapshot, state: "done", progress: 100, manifest, newBytes });
    } finally {
      await release();
    }
  }

  #say(report: SnapshotReport): void {
    this.#reports.set(report.snapshot, report);
    this.#parts.say(report);
  }
}
