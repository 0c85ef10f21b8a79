import type { Clock } from "#/base/clock.ts";
import {
  carbonZoneLabel,
  gramsOfHour,
  meanGrams,
  type CarbonZoneRecord,
} from "#/model/carbon-zone.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { Outlook, type GramsAt } from "#/planning/carbon/outlook.ts";
import { hourMs } from "#/model/units.ts";

/** What tells how clean something's power is. */
export interface Powered {
  readonly labels: Readonly<Record<string, string>>;
  /** By the site's own word, for all hours. */
  readonly gramsPerKwh?: number | undefined;
}

export interface ZoneParts {
  space: {
    get(kind: "carbon-zone", name: string): CarbonZoneRecord | undefined;
    list(kind: "carbon-zone"): Iterable<CarbonZoneRecord>;
  };
  clock: Pick<Clock, "now">;
}

/** How clean the power of machines and offers was, is and will be, by the zones that are in the records. */
export class CarbonZones {
  #parts: ZoneParts;
  #outlooks = new Map<string, { of: CarbonZoneRecord; hour: number; outlook: Outlook }>();
  #lastDefault = "";
  /** Of a machine that reports again within the hour. */
  #last:
    | { machine: MachineRecord; zone: CarbonZoneRecord; hour: number; grams: number }
    | undefined;

  constructor(parts: ZoneParts) {
    this.#parts = parts;
  }

  /** The zone that it is in; undefined when nobody says, or its site says of itself how clean it is. */
  zoneOf({ labels, gramsPerKwh }: Powered): CarbonZoneRecord | undefined {
    const { space } = this.#parts;
    const named = labels[carbonZoneLabel];
    if (named !== undefined) return space.get("carbon-zone", named);
    return gramsPerKwh === undefined ? this.#default() : undefined;
  }

  /** Asked for with every report: the one of before is tried first. */
  #default(): CarbonZoneRecord | undefined {
    const { space } = this.#parts;
    const last = space.get("carbon-zone", this.#lastDefault);
    if (last?.spec.isDefault) return last;
    for (const zone of space.list("carbon-zone")) {
      if (!zone.spec.isDefault) continue;
      this.#lastDefault = zone.name;
      return zone;
    }
    return undefined;
  }

  /** The intensity of an hour where it gets its power: known, or forecast. */
  gramsAtOf(powered: Powered): GramsAt {
    const zone = this.zoneOf(powered);
    if (!zone) return () => powered.gramsPerKwh;
    return this.outlookOf(zone).gramsAt;
  }

  /** The same thing, with how clean its power is between two instants. */
  known<T extends Powered>(powered: T, from: number, to: number): T & Pick<Powered, "gramsPerKwh"> {
    return { ...powered, gramsPerKwh: meanGrams(this.gramsAtOf(powered), from, to) };
  }

  /** The mean intensity that a machine had while something ran on it; undefined when nobody knows. */
  meanOf(machine: MachineRecord, fromMs: number, toMs: number): number | undefined {
    const zone = this.zoneOf(machine.spec);
    if (!zone) return machine.spec.gramsPerKwh;
    const hour = Math.floor(fromMs / hourMs);
    const isOneHour = Math.floor(toMs / hourMs) === hour;
    const last = this.#last;
    if (isOneHour && last?.machine === machine && last.zone === zone && last.hour === hour)
      return last.grams;
    const known: GramsAt = (at) => gramsOfHour(zone.status, at);
    const grams =
      meanGrams(known, fromMs, toMs) ?? meanGrams(this.outlookOf(zone).gramsAt, fromMs, toMs);
    if (isOneHour && grams !== undefined) this.#last = { machine, zone, hour, grams };
    return grams;
  }

  /** Made anew when more is known, and with each hour. */
  outlookOf(zone: CarbonZoneRecord): Outlook {
    const hour = Math.floor(this.#parts.clock.now() / hourMs);
    const known = this.#outlooks.get(zone.name);
    if (known?.of === zone && known.hour === hour) return known.outlook;
    const outlook = new Outlook(zone.status, hour);
    this.#outlooks.set(zone.name, { of: zone, hour, outlook });
    return outlook;
  }
}
