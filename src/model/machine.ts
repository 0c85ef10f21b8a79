import type { FunctionAbilities } from "./function-wire.ts";
import type { HostAbilities } from "./hosting.ts";
import type { ChaosTarget } from "./game-day.ts";
import type { Capacity } from "./needs.ts";
import type { RecordOf } from "./record.ts";

/** A host that runs an agent. Whether it is connected, and its load, are soft and not kept here. */
export type MachineRecord = RecordOf<"machine", MachineSpec, MachineStatus>;

export interface MachineSpec {
  /** SHA-256 of the agent's own key, in hexadecimal. */
  keyDigest: string;
  joinedAt: number;
  /** "local" for the computer that `canopy up` runs on; else where it came from. */
  site: string;
  labels: Record<string, string>;
  /** The order that it was made for. */
  order?: string;
  /** The job that pays for it by its order: nothing else runs on it. */
  reservedFor?: string;
  /** The project that pays for it by its order: nothing of others runs on it. */
  reservedForProject?: string;
  /** What the order's offer says that it costs and draws. */
  rates?: Partial<MachineRates>;
  /** What its site says of its electricity, in gCO2eq/kWh; where it has a label `carbon-zone`, that goes before. */
  gramsPerKwh?: number;
  /** No new tasks; what runs goes on. */
  cordoned: boolean;
  /** Of one that has misbehaved. */
  standing?: MachineStanding;
}

/** How fast a computer is, as measured in a fraction of a second. */
export interface MachineMeasure {
  /** Wall clock. */
  readonly at: number;
  /** Rounds of mixing whole numbers, on one CPU. */
  readonly roundsPerSecond: number;
  /** Copied, by one CPU. */
  readonly memoryBytesPerSecond: number;
  /** Written and synced, where the agent's folder is; and how long it takes to sync the least that there is. */
  readonly diskBytesPerSecond: number;
  readonly syncMs: number;
}

/** How far Canopy trusts a machine that has misbehaved. */
export interface MachineStanding {
  /** "slowed": on trial, one task at a time. "isolated": cordoned by Canopy, until it is tried again. */
  readonly phase: "slowed" | "isolated";
  readonly since: number;
  /** What it did, for people. */
  readonly reason: string;
  /** Of an isolated one: when it is on trial again. */
  readonly until?: number;
  /** How often it was isolated so far. */
  readonly times: number;
}

/** The site of a machine, by its name: "joined" for one that somebody let join. */
export function siteOf({ site }: Pick<MachineSpec, "site">): string {
  return site === "" ? joinedSite : site;
}

export const joinedSite = "joined";

export interface MachineStatus {
  hostname: string;
  os: string;
  arch: string;
  /** The agent's version. */
  version: string;
  capacity: Capacity;
  drivers: string[];
  /** Where other agents reach it for the shuffle; undefined when they cannot. */
  peerUrl?: string;
  /** What it can do for instances; absent for one that hosts none. */
  hosting?: HostAbilities;
  /** What functions it can run; absent for one that runs none. */
  functions?: FunctionAbilities;
  /** What a game day may hit here. Without "agent" nobody would start the agent again. */
  faults?: readonly ChaosTarget[];
  /** What it costs and draws, for the meter. */
  rates: MachineRates;
  /** When its provider takes it away, by the provider's own notice (wall clock). */
  endsAt?: number;
  /** How fast its agent found it to be, when it joined. */
  measured?: MachineMeasure;
  /** Its agent measures what it draws (RAPL): energy of its tasks is by that, and not by the model. */
  measuresPower?: boolean;
}

export interface MachineRates {
  /** Millionths of the currency per hour, for the whole machine; undefined when unknown. */
  microsPerHour: number | undefined;
  /** Electric power when idle and at full load, with power usage effectiveness as a factor on both. */
  idleWatts: number;
  peakWatts: number;
  pue: number;
}

/**
 * What a machine costs and draws: for one that was ordered the price of its offer, also when nobody knows
 * that; what is not known of its power is as its agent estimates it by its size.
 */
export function ratesOf({ order, rates = {} }: MachineSpec, estimate: MachineRates): MachineRates {
  if (order === undefined) return estimate;
  return { ...estimate, microsPerHour: undefined, ...rates };
}
