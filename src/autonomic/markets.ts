import { limits } from "#/base/limits.ts";
import type { Offer, SiteRecord, WatchedMarket } from "#/model/site.ts";
import type { AvailabilityHistory } from "#/planning/spot/availability.ts";
import type { Space } from "#/space/space.ts";

/**
 * Writes down when machines of spot offers can be had and when not, by offer, in the record of their site: what is
 * known of a market outlives this process, and leads in whichever control plane does.
 */
export function followMarkets(
  space: Pick<Space, "list" | "commit">,
  offers: readonly Offer[],
  now: number,
): void {
  const bySite = Map.groupBy(offers, ({ site }) => site);
  for (const site of space.list("site")) {
    const named = bySite.get(site.name) ?? [];
    if (!lookedAt(site, named, now)) continue;
    space.commit((tx) => {
      const newest = tx.get("site", site.name);
      const markets = newest && lookedAt(newest, named, now);
      if (markets) tx.put<"site">({ ...newest, status: { ...newest.status, markets } });
    });
  }
}

/** What is known of a site's markets now; undefined where that is what was known. */
function lookedAt(
  { status }: SiteRecord,
  named: readonly Offer[],
  now: number,
): SiteRecord["status"]["markets"] {
  const markets = { ...status.markets };
  let hasChanged = false;
  const spot = named.filter(({ market }) => market === "spot");
  for (const offer of spot) {
    const known = markets[offer.name];
    if (known && known.goneMs === undefined && isAvailable(known) === offer.countMax > 0) continue;
    markets[offer.name] = turned(known, offer, now);
    hasChanged = true;
  }
  // A site that names nothing may be away.
  if (named.length === 0) return undefined;
  const names = new Set(spot.map(({ name }) => name));
  for (const [name, known] of Object.entries(markets)) {
    if (names.has(name)) continue;
    const { goneMs = now } = known;
    if (known.goneMs !== undefined && now - goneMs < limits.marketKeptMs) continue;
    if (known.goneMs === undefined) markets[name] = { ...known, goneMs };
    else delete markets[name];
    hasChanged = true;
  }
  return hasChanged ? markets : undefined;
}

/** Until now; undefined where it was never looked at. */
export function historyOf(
  space: Pick<Space, "get">,
  { site, name }: Pick<Offer, "site" | "name">,
  now: number,
): AvailabilityHistory | undefined {
  const known = space.get("site", site)?.status.markets?.[name];
  return known && { ...known, untilMs: Math.max(now, known.fromMs, known.changesMs.at(-1) ?? 0) };
}

function isAvailable({ availableFirst, changesMs }: WatchedMarket): boolean {
  return changesMs.length % 2 === 0 ? availableFirst : !availableFirst;
}

function turned(known: WatchedMarket | undefined, { countMax }: Offer, now: number): WatchedMarket {
  if (!known) return { fromMs: now, availableFirst: countMax > 0, changesMs: [] };
  const { goneMs: _, ...rest } = known;
  if (isAvailable(known) === countMax > 0) return rest;
  const changesMs = [...known.changesMs, Math.max(now, known.changesMs.at(-1) ?? known.fromMs)];
  if (changesMs.length <= limits.marketChangesMax) return { ...rest, changesMs };
  const [fromMs, ...later] = changesMs as [number, ...number[]];
  return { fromMs, availableFirst: !known.availableFirst, changesMs: later };
}
