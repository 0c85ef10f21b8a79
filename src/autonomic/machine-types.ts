import { limits } from "#/base/limits.ts";
import { joinedSite, type MachineRates } from "#/model/machine.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Amounts } from "#/model/quota.ts";
import type { Considered, PlannedWork } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import type { MachineType } from "#/planning/mix/problem.ts";
import { hourMs } from "#/model/units.ts";
import { slotsOf } from "./slots.ts";
import { coveredShare, withinQuota, type CountedWork, type Covered } from "./within-quota.ts";

/** A machine that is there, or on its way. */
export interface PresentMachine {
  readonly name: string;
  readonly site: string;
  readonly offer: string;
  readonly capacity: Capacity;
  readonly labels: Readonly<Record<string, string>>;
  readonly drivers: readonly string[];
  readonly rates: MachineRates;
  readonly gramsPerKwh: number | undefined;
  /** What others leave of it to this job, from 0 to 1. */
  readonly share: number;
  /** Of the project that asks, where the machine counts in it. */
  readonly quota?: Amounts;
  /** Until it is there; 0 when it is. */
  readonly bootMs: number;
  readonly interruptionsPerHour: number;
  /** How much longer tasks take there than on a usual machine. */
  readonly slowness: number;
  /** How it is billed, for one that was ordered. */
  readonly billing?: { granularityMs: number; minimumMs: number; paidMs: number };
}

/** An offer with what was learned of it. */
export interface KnownOffer extends Offer {
  /** How much longer tasks take there than on a usual machine. */
  readonly slowness?: number;
  /** Why it is not asked for now, although it may be had later. */
  readonly rests?: string;
}

/**
 * One line of what is considered, with the type that stands for it in the planner's question; none where it cannot
 * serve.
 */
export interface Candidate {
  readonly considered: Considered;
  readonly type?: MachineType;
  /**
   * What it would be if that which keeps it out were not so: an unknown price as 0, and no machines where none are
   * given.
   */
  readonly barred?: { readonly type: MachineType; readonly by: Barrier };
  /** Machines that it stands for, where they are there. */
  readonly machines?: readonly string[];
}

/**
 * What keeps an offer out that could run tasks: a policy, that there is none of it left, or that nobody knows its
 * price.
 */
export type Barrier = "policy" | "count" | "price";

/** A machine that boots for an unknown time is taken to need so long. */
export const bootMsUnknown = 180_000;

/** Every offer and every sort of machine there is, as the planner sees it, for these kinds of tasks. */
export function candidatesOf(
  kinds: readonly PlannedWork[],
  machines: readonly PresentMachine[],
  offers: readonly KnownOffer[],
  allowed: (offer: Offer) => string | undefined = () => undefined,
): Candidate[] {
  const groups = Map.groupBy(withinQuota(kinds.map(countedOf), machines), (machine) =>
    JSON.stringify([
      machine.offer,
      machine.site,
      machine.capacity,
      machine.labels,
      machine.rates.microsPerHour,
      machine.share,
      machine.covered,
      machine.bootMs,
      machine.interruptionsPerHour,
      machine.slowness,
      machine.billing,
    ]),
  );
  return [
    ...[...groups.values()].map((group) => ofMachines(kinds, group)),
    ...offers.map((offer) => ofOffer(kinds, offer, allowed(offer))),
  ];
}

function countedOf({ needs, driver, tasks, meanMs, gang }: PlannedWork): CountedWork {
  return { needs, driver, tasks, runMs: meanMs, atOnce: gang?.atOnce ?? 1 };
}

type CoveredMachine = Covered<PresentMachine>;

function ofMachines(kinds: readonly PlannedWork[], group: readonly CoveredMachine[]): Candidate {
  const [first] = group as [CoveredMachine];
  const { site, offer, rates, gramsPerKwh, bootMs, billing, share, covered } = first;
  const usable = { ...first, capacity: covered ?? first.capacity };
  // a gang needs its places at once: where others use a machine it has all of it, for a part of the time
  const isWhole = kinds.some(({ gang }) => gang);
  const slots = kinds.map((kind) =>
    Math.floor(slotsOf(kind, usable) * (isWhole ? 1 : share) + 1e-9),
  );
  const part = share * coveredShare(first);
  const pace = paceOf(first, bootMs, bootMsUnknown / 3, kinds, slots);
  const watts = rates.peakWatts > 0 ? rates.peakWatts * rates.pue : undefined;
  const considered: Considered = {
    site,
    offer,
    market: "on-demand",
    zone: "",
    isPresent: true,
    countMax: group.length,
    slots: slots[0] ?? 0,
    microsPerHour: rates.microsPerHour,
    watts,
    bootMs,
    count: 0,
  };
  if (slots.every((count) => count === 0))
    return {
      considered: {
        ...considered,
        whyNot: confinedFrom(kinds, site) ?? whyNoSlots(first),
      },
    };
  const type: MachineType = {
    name: `${site} ${offer}`,
    slots,
    countMax: group.length,
    isPresent: true,
    ...movesTo(site, kinds),
    ...pace,
    speed: pace.speed * (isWhole ? share : 1),
    // What has no known price is used as it is there; what it costs is unknown, and said to be.
    price: {
      microsPerHour: (rates.microsPerHour ?? 0) * part,
      granularityMs: 1,
      minimumMs: 0,
      paidMs: 0,
      ...billing,
    },
    power: watts === undefined ? undefined : { watts: watts * part, gramsPerKwh },
  };
  return { considered, type, machines: group.map(({ name }) => name) };
}

function ofOffer(
  kinds: readonly PlannedWork[],
  offer: KnownOffer,
  forbidden: string | undefined,
): Candidate {
  const { site, name, market, zone, microsPerHour, countMax, peakWatts, pue } = offer;
  const slots = kinds.map((kind) => slotsOf(kind, offer));
  const watts = peakWatts === undefined ? undefined : peakWatts * (pue ?? 1);
  const considered: Considered = {
    site,
    offer: name,
    market,
    zone,
    isPresent: false,
    countMax,
    slots: slots[0] ?? 0,
    microsPerHour,
    watts,
    bootMs: offer.bootMs?.p90,
    count: 0,
  };
  const bootMs = offer.bootMs?.p90 ?? bootMsUnknown;
  const type: MachineType = {
    name: `${site} ${name}`,
    slots,
    countMax: Math.max(0, countMax),
    isPresent: false,
    ...movesTo(site, kinds),
    ...paceOf(offer, bootMs, bootMs, kinds, slots),
    price: {
      microsPerHour: microsPerHour ?? 0,
      granularityMs: offer.priceGranularityMs,
      minimumMs: offer.billedMsMin,
      paidMs: 0,
    },
    power: watts === undefined ? undefined : { watts, gramsPerKwh: offer.gramsPerKwh },
  };
  const fits = slots.some((count) => count > 0);
  const out = (whyNot: string, by: Barrier): Candidate => ({
    considered: { ...considered, whyNot },
    ...(fits && { barred: { type, by } }),
  });
  if (offer.isSimulated)
    return { considered: { ...considered, whyNot: "its machines exist in forecasts only" } };
  if (forbidden !== undefined) return out(forbidden, "policy");
  if (offer.rests !== undefined) return out(offer.rests, "count");
  if (countMax <= 0) return out("the site gives no more of it", "count");
  if (microsPerHour === undefined) return out("its price is unknown", "price");
  return fits
    ? { considered, type }
    : {
        considered: {
          ...considered,
          whyNot: confinedFrom(kinds, site) ?? "no task fits on it",
        },
      };
}

/**
 * Files that tasks hand on are brought from machines of other sites, where several are used, at the pace that the
 * scheduler reckons with; on machines that somebody let join they are at hand.
 */
function movesTo(
  site: string,
  kinds: readonly PlannedWork[],
): Pick<MachineType, "moveMs" | "site"> {
  if (site === joinedSite || kinds.every(({ takesBytes = 0 }) => takesBytes === 0)) return { site };
  return {
    site,
    moveMs: kinds.map(({ takesBytes = 0 }) => (takesBytes * 1000) / limits.movedBytesPerSecond),
  };
}

function whyNoSlots({ share, covered }: CoveredMachine): string {
  if (covered) return "the project's quota does not cover it";
  return share < 1 ? "others use it" : "no task fits on it";
}

/** Why no task may run at a site at all, whatever its machines; undefined where some may. */
function confinedFrom(kinds: readonly PlannedWork[], site: string): string | undefined {
  if (kinds.length === 0 || kinds.some(({ needs: { sites } }) => !sites || sites.includes(site)))
    return undefined;
  const rules = [...new Set(kinds.flatMap(({ needs }) => needs.confinedBy ?? []))];
  return rules.length > 0
    ? `data may not leave for it: ${rules.join(", ")}`
    : "its tasks ask for other sites";
}

/**
 * When a machine may be counted on, and how fast it works. Each interruption costs half a task, on the mean,
 * and the time until another machine has booted; and what may be taken away must be done earlier, so that what
 * was on it when it went can run again elsewhere. On a slow one the last tasks take longer, so it must
 * be done earlier too.
 */
function paceOf(
  { interruptionsPerHour = 0, slowness = 1 }: Pick<KnownOffer, "interruptionsPerHour" | "slowness">,
  bootMs: number,
  nextBootMs: number,
  kinds: readonly PlannedWork[],
  slots: readonly number[],
): Pick<MachineType, "bootMs" | "speed"> {
  const most = (of: (kind: PlannedWork, number: number) => number) => Math.max(0, ...kinds.map(of));
  // one of the machines of a gang is enough to end all of it
  const machines = most(({ gang }, kind) =>
    gang && slots[kind]! > 0 ? Math.ceil(gang.atOnce / slots[kind]!) : 1,
  );
  const lostMs = most(({ meanMs }) => meanMs) / 2 + nextBootMs;
  const againMs = most(({ gang, meanHighMs, longMs }) => (gang?.isWhole ? longMs : meanHighMs));
  const recoveryMs = interruptionsPerHour > 0 ? nextBootMs + againMs : 0;
  const lateMs = Math.max(0, slowness - 1) * most(({ longMs }) => longMs);
  return {
    bootMs: bootMs + recoveryMs + lateMs,
    speed: 1 / slowness / (1 + (interruptionsPerHour * machines * lostMs) / hourMs),
  };
}
