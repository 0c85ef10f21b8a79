import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { instanceTypes, type InstanceType } from "#/model/instance-type.ts";
import { dayOf, spotMicrosPerHour, type SpotPoint } from "#/model/spot-market.ts";
import type { Space } from "#/space/space.ts";
import { zoneOf, zonesOf } from "./zones.ts";

/** What spot instances cost at this moment. */
export interface SpotPrices {
  /** Millionths of the currency an hour. */
  spotPriceOf(type: Pick<InstanceType, "name">, zone: string): number;
}

/** Of the list price, also while nobody wants anything. */
const percentMin = 30;

/**
 * The list price, by the share of its zone's processors that instances hold: what is idle is cheap. The price is what was kept last, so
 * that all that is done by a price is found in its history; `turn` moves it.
 */
export class SpotMarket implements SpotPrices {
  #space: Space;
  #clock: Pick<Clock, "now">;

  constructor({ space, clock }: { space: Space; clock: Pick<Clock, "now"> }) {
    this.#space = space;
    this.#clock = clock;
  }

  spotPriceOf({ name }: Pick<InstanceType, "name">, zone: string): number {
    return spotMicrosPerHour(
      name,
      this.#kept(zone)?.[1] ?? percentsOf(this.#space).get(zone) ?? 100,
    );
  }

  /** Keeps what prices have become, and forgets those of long ago. */
  turn(): void {
    const now = this.#clock.now();
    const moved = [...percentsOf(this.#space)].filter(([zone, percent]) =>
      this.#moves(zone, percent, now),
    );
    const old = dayOf(now - limits.spotPricesKeptMs);
    const over = (["spot-prices", "spot-use"] as const).flatMap((kind) =>
      [...this.#space.all(kind)].filter(({ name }) => name.slice(name.lastIndexOf("/") + 1) < old),
    );
    if (moved.length + over.length === 0) return;
    this.#space.commit((tx) => {
      for (const { kind, name } of over) tx.delete(kind, name);
      for (const [zone, percent] of moved) {
        const name = `${zone}/${dayOf(now)}`;
        const before = tx.get("spot-prices", name);
        const points: SpotPoint[] = [...(before?.spec.points ?? []), [now, percent]];
        const made = { kind: "spot-prices" as const, project: "", name, status: {} };
        tx.put<"spot-prices">({ ...(before ?? made), spec: { points } });
      }
    });
  }

  /** Each day begins with the price that it found. One on which prices have moved all the time has less fine a history. */
  #moves(zone: string, percent: number, now: number): boolean {
    const today = this.#space.get("spot-prices", `${zone}/${dayOf(now)}`)?.spec.points;
    const last = today?.at(-1);
    if (!today || !last) return true;
    if (last[1] === percent) return false;
    const { spotPointsMax, spotPointsApartMs } = limits;
    return today.length < spotPointsMax || now - last[0] >= spotPointsApartMs;
  }

  #kept(zone: string): SpotPoint | undefined {
    const now = this.#clock.now();
    for (const at of [now, now - dayMs]) {
      const found = this.#space.get("spot-prices", `${zone}/${dayOf(at)}`);
      if (found) return found.spec.points.at(-1);
    }
    return undefined;
  }
}

const dayMs = 24 * 60 * 60_000;

/** Of the list price, by zone: of those that have machines for instances. */
function percentsOf(space: Pick<Space, "all" | "list">): Map<string, number> {
  const zones = zonesOf(space);
  const capacity = new Map<string, number>();
  const zoneOfMachine = new Map<string, string>();
  for (const machine of space.all("machine")) {
    const zone = machine.status.hosting && zoneOf(machine, zones);
    if (zone === undefined) continue;
    capacity.set(zone, (capacity.get(zone) ?? 0) + machine.status.capacity.milliCpus);
    zoneOfMachine.set(machine.name, zone);
  }
  const used = new Map<string, number>();
  for (const { spec, status } of space.all("instance")) {
    const zone = zoneOfMachine.get(status.machine ?? "");
    if (zone === undefined || status.state === "stopped" || status.state === "terminated") continue;
    used.set(zone, (used.get(zone) ?? 0) + (instanceTypes.get(spec.type)?.milliCpus ?? 0));
  }
  const percents = [...capacity].map(([zone, milliCpus]): [string, number] => {
    const share = milliCpus === 0 ? 1 : (used.get(zone) ?? 0) / milliCpus;
    return [zone, Math.max(percentMin, Math.min(100, Math.round(share * 100)))];
  });
  return new Map(percents);
}
