import { meanGrams } from "#/model/carbon-zone.ts";
import type { Band, Considered } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import type { GramsAt } from "#/planning/carbon/outlook.ts";
import type { PresentMachine } from "../machine-types.ts";
import type { CarbonZones, Powered } from "./zones.ts";
import { hourMs } from "#/model/units.ts";

/** Machines that work on a job, as what they draw and where that comes from. */
export interface Load {
  readonly watts: number;
  /** The zone, or the site that speaks for itself: for people. */
  readonly from: string;
  readonly gramsAt: GramsAt;
  readonly marginAt: (hour: number) => number;
}

/** What works on a job by those lines of a plan; undefined as soon as one power is not known. */
export function loadsOf(
  taken: readonly Pick<Considered, "site" | "offer" | "isPresent" | "count">[],
  machines: readonly PresentMachine[],
  offers: readonly Offer[],
  zones: CarbonZones,
): Load[] | undefined {
  const loads: (Load | undefined)[] = [];
  for (const { site, offer: name, isPresent, count } of taken) {
    if (count === 0) continue;
    if (isPresent) {
      const group = machines.filter((one) => one.site === site && one.offer === name);
      for (const machine of group.slice(0, count)) {
        const { peakWatts, pue } = machine.rates;
        loads.push(loadOf(zones, machine, site, peakWatts * machine.share, pue));
      }
    } else {
      const offer = offers.find((one) => one.site === site && one.name === name);
      if (!offer) return undefined;
      loads.push(loadOf(zones, offer, site, (offer.peakWatts ?? 0) * count, offer.pue ?? 1));
    }
  }
  const known = loads.filter((load) => load !== undefined);
  return known.length === loads.length && known.length > 0 ? known : undefined;
}

function loadOf(
  zones: CarbonZones,
  powered: Powered,
  site: string,
  watts: number,
  pue: number,
): Load | undefined {
  if (watts <= 0) return undefined;
  const zone = zones.zoneOf(powered);
  const outlook = zone && zones.outlookOf(zone);
  return {
    watts: watts * pue,
    from: zone ? `the carbon zone ${zone.name}` : `the site ${site}`,
    gramsAt: zones.gramsAtOf(powered),
    marginAt: outlook?.marginAt ?? (() => 0),
  };
}

/** CO2 of all of them at full load for so long; undefined as soon as nobody knows how clean one is. */
export function gramsOfLoads(
  loads: readonly Load[],
  from: number,
  forMs: number,
): number | undefined {
  let grams = 0;
  for (const { watts, gramsAt } of loads) {
    const mean = meanGrams(gramsAt, from, from + forMs);
    if (mean === undefined) return undefined;
    grams += (watts * forMs * mean) / hourMs / 1000;
  }
  return grams;
}

/** The same for work that ends within a band. */
export function gramsBandOf(
  loads: readonly Load[] | undefined,
  from: number,
  forMs: Band,
): Band | undefined {
  const likely = loads && gramsOfLoads(loads, from, forMs.likely);
  const high = loads && gramsOfLoads(loads, from, forMs.high);
  return likely === undefined || high === undefined ? undefined : { likely, high };
}

/**
 * Mean intensities of all of them, by what each draws, in parts of time from each bound to the next; with
 * what a cautious planner adds.
 */
export function partsOf(
  loads: readonly Load[],
  bounds: readonly number[],
): { grams: number[]; margins: number[] } | undefined {
  const watts = loads.reduce((sum, load) => sum + load.watts, 0);
  const grams: number[] = [];
  const margins: number[] = [];
  for (let part = 0; part + 1 < bounds.length; part++) {
    const [at, to] = [bounds[part]!, bounds[part + 1]!];
    let mean = 0;
    let margin = 0;
    for (const load of loads) {
      const of = meanGrams(load.gramsAt, at, to);
      if (of === undefined) return undefined;
      mean += (of * load.watts) / watts;
      margin += (load.marginAt(Math.floor(at / hourMs)) * load.watts) / watts;
    }
    grams.push(mean);
    margins.push(part === 0 ? 0 : margin);
  }
  return { grams, margins };
}
