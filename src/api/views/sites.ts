import { CanopyError } from "#/base/errors.ts";
import type { Knowledge } from "#/autonomic/knowledge/follow.ts";
import type { OpenSites } from "#/autonomic/open-sites.ts";
import { hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { Learned } from "#/autonomic/knowledge/offers.ts";
import type { Offer, SiteRecord } from "#/model/site.ts";
import type { OfferView, SiteDetail, SiteView } from "#/model/site-views.ts";
import type { Space } from "#/space/space.ts";
import { instantOf } from "./time.ts";

interface Parts {
  space: Space;
  sites: OpenSites;
  knowledge: Pick<Knowledge, "learnedOf">;
}

/** Throws CanopyError "not-found". */
export function findSite(space: Space, name: string): SiteRecord {
  const site = space.get("site", name);
  if (site) return site;
  throw new CanopyError("not-found", `Cannot find the site '${name}'`, {
    hint: "See them all: canopy sites",
  });
}

/** Orders whose machine may still be there. */
export function openOrdersOf(space: Space, site: string): OrderRecord[] {
  return [...space.all("order")].filter(
    (order) => order.spec.site === site && !hasOrderEnded(order),
  );
}

export function siteViewOf(
  { space, sites, knowledge }: Parts,
  { name, spec, status }: SiteRecord,
): SiteView {
  return {
    name,
    type: spec.config.type,
    health: status.health,
    since: instantOf(status.since),
    ...(status.reason !== undefined && { reason: status.reason }),
    createdAt: instantOf(spec.createdAt),
    orders: openOrdersOf(space, name).length,
    offers: sites.offersOf(name).map((offer) => offerViewOf(offer, knowledge.learnedOf(offer))),
  };
}

function offerViewOf(offer: Offer, learned: Learned | undefined): OfferView {
  if (!learned) return { ...offer };
  const { boot, interruptions, asked, refused, rests } = learned;
  const { perHour: mean, low, high, hours, taken } = interruptions;
  return {
    ...offer,
    learned: {
      bootMs: { median: boot.median, p90: boot.p90 },
      joined: boot.joined,
      neverJoined: boot.never,
      interruptionsPerHour: { mean, low, high },
      hours,
      taken,
      asked,
      refused,
      ...(rests !== undefined && { rests }),
    },
  };
}

export function siteDetailOf(parts: Parts, site: SiteRecord): SiteDetail {
  const { config, secretNames = [] } = site.spec;
  return { ...siteViewOf(parts, site), config, secrets: [...secretNames] };
}
