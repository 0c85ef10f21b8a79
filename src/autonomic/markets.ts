import type { Offer, SiteRecord, WatchedMarket } from "#/model/site.ts";
import type { AvailabilityHistory } from "#/planning/spot/availability.ts";
import type { Space } from "#/space/space.ts";

/** Changes that are remembered of an offer: the last ones. */
const changesMax = 256;

/**
 * Writes down when machines of spot offers can be had and when not, by offer, in the record of their site: what is
 * known of a market outlives this process, and leads in whichever control plane does.
 */
export function followMarkets(
  space: Pick<Space, "list" | "commit">,
  offers: readonly Offer[],
  now: number,
): void {
  const spot = offers.filter(({ market }) => market === "spot");
  for (const site of space.list("site")) {
    const own = spot.filter((offer) => offer.site === site.name);
    if (own.every((offer) => !isTurn(site, offer))) continue;
    space.commit((tx) => {
      const newest = tx.get("site", site.name);
      if (!newest) return;
      const markets = { ...newest.status.markets };
      for (const offer of own)
        if (isTurn(newest, offer)) markets[offer.name] = turned(markets[offer.name], offer, now);
      tx.put<"site">({ ...newest, status: { ...newest.status, markets } });
    });
  }
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

function isTurn({ status }: SiteRecord, offer: Offer): boolean {
  const known = status.markets?.[offer.name];
  return !known || isAvailable(known) !== offer.countMax > 0;
}

function isAvailable({ availableFirst, changesMs }: WatchedMarket): boolean {
  return changesMs.length % 2 === 0 ? availableFirst : !availableFirst;
}

function turned(known: WatchedMarket | undefined, { countMax }: Offer, now: number): WatchedMarket {
  if (!known) return { fromMs: now, availableFirst: countMax > 0, changesMs: [] };
  const changesMs = [...known.changesMs, Math.max(now, known.changesMs.at(-1) ?? known.fromMs)];
  if (changesMs.length <= changesMax) return { ...known, changesMs };
  const [fromMs, ...later] = changesMs as [number, ...number[]];
  return { fromMs, availableFirst: !known.availableFirst, changesMs: later };
}
