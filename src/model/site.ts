import type { Capacity } from "./needs.ts";
import type { RecordOf } from "./record.ts";
import type { SiteConfig } from "./site-config.ts";

/** Where machines come from. */
export type SiteRecord = RecordOf<"site", SiteSpec, SiteStatus>;

export interface SiteSpec {
  readonly createdAt: number;
  /** What it is and where, with nothing secret in it. */
  readonly config: SiteConfig;
  /** What opens it, sealed by `Access.seal` for a site of this name; absent when nothing does. */
  readonly sealed?: string;
  /** Which secrets those are. */
  readonly secretNames?: readonly string[];
}

/** A site that is unhealthy gives no offers, and is not planned with. */
export interface SiteStatus {
  readonly health: "healthy" | "unhealthy";
  readonly since: number;
  /** Why it is unhealthy, in the provider's own words. */
  readonly reason?: string;
  /** It goes as soon as it holds no machines any more, and gives none until then. */
  readonly removing?: true;
  /** By spot offer: since when it is watched, and when its machines could be had and when not. */
  readonly markets?: Readonly<Record<string, WatchedMarket>>;
}

/** It could be had at first, or not, and turned to the opposite at each of `changesMs`. Wall clock. */
export interface WatchedMarket {
  readonly fromMs: number;
  readonly availableFirst: boolean;
  readonly changesMs: readonly number[];
  /** Since when the site does not name it any more, while it names others. */
  readonly goneMs?: number;
}

export const markets = ["on-demand", "spot"] as const;
/** By "spot" a machine may be taken away at any time. */
export type Market = (typeof markets)[number];

/** A type of machine that a site would give now. What nobody knows is undefined, and never taken for zero. */
export interface Offer {
  readonly site: string;
  /** Unique within its site: "m7i.large/spot/eu-central-1a". */
  readonly name: string;
  readonly capacity: Capacity;
  /** What a task may ask for by label, and a machine of this offer will carry. */
  readonly labels: Readonly<Record<string, string>>;
  readonly market: Market;
  /** Machines of one zone are interrupted together; "" where a site has none. */
  readonly zone: string;
  /** Millionths of the currency per hour, for the whole machine. */
  readonly microsPerHour: number | undefined;
  /** Time is billed in multiples of this, and at least `billedMsMin` of it. */
  readonly priceGranularityMs: number;
  readonly billedMsMin: number;
  /** Electric power at rest and at full load, and the building's overhead as a factor on both. */
  readonly idleWatts: number | undefined;
  readonly peakWatts: number | undefined;
  readonly pue: number | undefined;
  /** Carbon dioxide equivalent of the site's electricity. */
  readonly gramsPerKwh: number | undefined;
  /** From the order to the machine's first pull. */
  readonly bootMs: BootTime | undefined;
  /** Expected number of interruptions in an hour: 0 for a machine that is never taken away. */
  readonly interruptionsPerHour: number | undefined;
  /** How many more machines of it the site would give, as far as it knows. */
  readonly countMax: number;
  /** Its machines exist in forecasts only: nothing that is real is planned with it. */
  readonly isSimulated?: true;
}

export interface BootTime {
  readonly median: number;
  readonly p90: number;
}
