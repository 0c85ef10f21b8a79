import type { Offer } from "#/model/site.ts";
import type { SiteConfig, SiteSecrets } from "#/model/site-config.ts";

/**
 * Where machines come from, for one cloud. A site makes and ends machines; it knows nothing of tasks, and
 * a machine joins by itself, with the token of its order.
 *
 * Every call may be made again, after a crash at any moment too. Each throws CanopyError:
 * - "no-capacity": the site has none of that offer now. Another offer may do.
 * - "limited": it is asked too often; `retryAfterMs` says when to come again.
 * - "unavailable": no answer came. What was asked may have been done: `held()` knows.
 * - "forbidden": it refuses us, in the provider's words. Nothing will do until a person has changed something.
 * - "not-found": it has no such offer.
 */
export interface Site {
  /** What it would give now. */
  offers(): Promise<Offer[]>;
  /**
   * Makes the machine of an order, and resolves when the site has it: it may boot for long after that. The
   * same order again gives the same machine, also one that has ended since; what joins is the first token
   * that was given. Nothing is held when it throws, but for "unavailable".
   */
  acquire(order: MachineOrder): Promise<HeldMachine>;
  /** All that the site holds for this cloud, whoever remembers it: what a crash has orphaned is among it. */
  held(): Promise<Holdings>;
  /** Ends the machine of an order, and resolves when it costs nothing more. Nothing happens when there is none. */
  release(order: string): Promise<void>;
  /**
   * Deletes what machines that have ended left behind, and gives what it was; absent where nothing is ever left.
   * `isWanted` tells of an order whether its machine is to be there: of such a one nothing is touched.
   */
  sweep?(isWanted: (order: string) => boolean): Promise<Leftover[]>;
  /** Ends nothing at the site: its machines stay. */
  close(): Promise<void>;
}

/** A machine to be made. */
export interface MachineOrder {
  /** The order's name. */
  readonly name: string;
  /** The offer's name. */
  readonly offer: string;
  /** What an hour cost by that offer as it was ordered: a machine whose price changes must not be billed more. Absent when unknown. */
  readonly microsPerHour?: number;
  /** Where the machine's agent joins, and what it shows there, once. */
  readonly urls: readonly string[];
  readonly token: string;
}

/** A machine that a site holds. */
export interface HeldMachine {
  readonly order: string;
  /** What the site calls it. */
  readonly handle: string;
  /** "ended" machines cost nothing any more and are listed for as long as the site remembers them. */
  readonly state: "booting" | "running" | "ended";
  /** When the site began to make it. */
  readonly since: number | undefined;
  /** Why it ended, in the provider's words: an interruption among others. */
  readonly reason?: string;
}

/** Something that an order's machine left behind, and that is gone now. */
export interface Leftover {
  readonly order: string;
  /** In the provider's name for it: "the disk vol-1". */
  readonly what: string;
}

export interface Holdings {
  readonly machines: readonly HeldMachine[];
  /** Offers whose places did not answer: what they hold is unknown, and not gone. */
  readonly unknown: readonly string[];
}

/** A site as its record describes it, with its secrets in the clear. */
export interface DescribedSite {
  readonly name: string;
  readonly cloudId: string;
  readonly config: SiteConfig;
  readonly secrets: SiteSecrets;
}

/** Opens a site. Throws CanopyError "invalid" or "forbidden" when it cannot be as it is described. */
export interface OpenSite {
  (site: DescribedSite): Promise<Site>;
  /** Removes what is kept on this computer for sites that are not wanted any more, keys among it; gives their names. */
  forget?(isWanted: (name: string) => boolean): Promise<string[]>;
}
