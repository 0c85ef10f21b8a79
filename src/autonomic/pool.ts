import type { Offer } from "#/model/site.ts";
import type { Site } from "#/sites/site.ts";

/** The sites of this cloud, as what buys there sees them. */
export interface SitePool {
  /** What they would give, as they said last; those of sites that are unhealthy are not among it. */
  offers(): readonly Offer[];
  /** Throws "not-found", and what opening it throws. */
  site(name: string): Promise<Site>;
  /** Asks it again what it would give. Never throws. */
  look(name: string): Promise<void>;
}
