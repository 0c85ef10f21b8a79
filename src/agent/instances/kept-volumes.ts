import { messageOf } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import type { Disks, PreparedVolume } from "#/drivers/instance-driver.ts";
import type { VolumeOrder, VolumeReport } from "#/model/hosting.ts";

interface VolumeParts {
  disks: Disks;
  log: Log;
  say(report: VolumeReport): void;
  /** Its order is another one now. */
  grown(volume: string): void;
}

/** Volumes that are on this machine. Their files are made when something needs them. */
export class KeptVolumes {
  #parts: VolumeParts;
  #orders = new Map<string, VolumeOrder>();
  #reports = new Map<string, VolumeReport>();
  /** By volume: what is being done to its file, one thing after the other. */
  #turns = new OneAtATime();

  constructor(parts: VolumeParts) {
    this.#parts = parts;
  }

  get orders(): VolumeOrder[] {
    return [...this.#orders.values()];
  }

  /** What an earlier life of the agent was told. */
  know(orders: readonly VolumeOrder[] = []): void {
    for (const order of orders) this.#orders.set(order.volume, order);
  }

  wanted(orders: readonly VolumeOrder[]): void {
    for (const order of orders) {
      const before = this.#orders.get(order.volume);
      this.#orders.set(order.volume, order);
      if (before && JSON.stringify(before) !== JSON.stringify(order))
        this.#parts.grown(order.volume);
    }
  }

  orderOf(volume: string): VolumeOrder | undefined {
    return this.#orders.get(volume);
  }

  /** Its file, as the order says. */
  prepare(order: VolumeOrder): Promise<PreparedVolume> {
    const { volume } = order;
    return this.#turns.run(volume, async () => {
      try {
        if (this.#reports.get(volume)?.state !== "here") this.#say({ volume, state: "making" });
        const prepared = await this.#parts.disks.prepare(order);
        this.#say({ volume, state: "here", sizeBytes: prepared.sizeBytes });
        return prepared;
      } catch (thrown) {
        this.#say({ volume, state: "failed", reason: messageOf(thrown) });
        throw thrown;
      }
    });
  }

  /** Removes its file; says so also of one that was not here. */
  gone(volume: string): Promise<void> {
    return this.#turns.run(volume, async () => {
      try {
        await this.#parts.disks.remove(volume, this.#orders.get(volume)?.storage);
        this.#orders.delete(volume);
        this.#reports.delete(volume);
        this.#parts.say({ volume, state: "gone" });
      } catch (thrown) {
        this.#parts.log.warn(`${volume} cannot be removed yet`, { error: messageOf(thrown) });
      }
    });
  }

  /** Nothing is being done to any of them. */
  settled(): Promise<void> {
    return this.#turns.settled();
  }

  reports(): VolumeReport[] {
    return [...this.#reports.values()];
  }

  #say(report: VolumeReport): void {
    const before = this.#reports.get(report.volume);
    this.#reports.set(report.volume, report);
    if (JSON.stringify(before) !== JSON.stringify(report)) this.#parts.say(report);
  }
}
