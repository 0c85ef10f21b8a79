import { listMicrosPerHour } from "#/model/instance-price.ts";
import { instanceTypes, type InstanceType } from "#/model/instance-type.ts";
import type { Space } from "#/space/space.ts";
import { zoneOf, zonesOf } from "./zones.ts";

/** What spot instances cost at this moment. */
export interface SpotPrices {
  /** Millionths of the currency an hour. */
  spotPriceOf(type: InstanceType, zone: string): number;
}

/** Of the list price, also while nobody wants anything. */
const shareMin = 0.3;

/** The list price, by the share of its zone's processors that instances hold: what is idle is cheap. */
export class LoadPrices implements SpotPrices {
  #space: Pick<Space, "all" | "list" | "get">;

  constructor(space: Pick<Space, "all" | "list" | "get">) {
    this.#space = space;
  }

  spotPriceOf(type: InstanceType, zone: string): number {
    return Math.round(listMicrosPerHour(type) * Math.max(shareMin, this.#shareInUse(zone)));
  }

  #shareInUse(zone: string): number {
    const zones = zonesOf(this.#space);
    let capacity = 0;
    const machines = new Set<string>();
    for (const machine of this.#space.all("machine")) {
      if (!machine.status.hosting || zoneOf(machine, zones) !== zone) continue;
      capacity += machine.status.capacity.milliCpus;
      machines.add(machine.name);
    }
    let used = 0;
    for (const { spec, status } of this.#space.all("instance")) {
      const { machine, state } = status;
      if (machine === undefined || !machines.has(machine)) continue;
      if (state === "stopped" || state === "terminated") continue;
      used += instanceTypes.get(spec.type)?.milliCpus ?? 0;
    }
    return capacity === 0 ? 1 : Math.min(1, used / capacity);
  }
}
