import { decisionsAbout } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import type { OrderRecord } from "#/model/order.ts";
import type { Offer, SiteRecord } from "#/model/site.ts";
import { briefDuration } from "#/model/units.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, siteParams } from "../params.ts";
import { rulesNow } from "../plans/now.ts";
import { isTold } from "../views/access.ts";
import { explainedDecision } from "../views/decisions.ts";
import { findSite, openOrdersOf } from "../views/sites.ts";

export const whySite = defineCall({
  summary: "Explain a site",
  description:
    "Why it is unhealthy, in its provider's words; for each of its offers whether it may be taken and why not; what it holds.",
  tag: "sites",
  role: "viewer",
  params: siteParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, caller, params }) {
    const { space, sites, zones, clock } = parts;
    const site = findSite(space, params.site);
    const rules = await rulesNow(space, project);
    const now = clock.now();
    const offers = sites.offersOf(site.name);
    const orders = openOrdersOf(space, site.name);
    const decisions = await decisionsAbout(space, site.name, limits.decisionsShown);
    return {
      id: site.name,
      phase: site.status.health,
      explanations: [
        healthOf(site, offers, now),
        ...offers.map((offer) =>
          offerOf(offer, rules.allowed(zones.known(offer, now, now), "", now)),
        ),
        ...orders
          .filter((order) => isTold({ project, caller }, order))
          .map(({ name, spec, status }) => ({
            subject: name,
            sentence: `it holds ${spec.offer.name} for ${spec.askedBy}: ${status.phase}`,
            advice: `canopy why ${name}`,
          })),
        ...heldForOthers(orders.filter((order) => !isTold({ project, caller }, order))),
        ...decisions
          .filter((decision) => isTold({ project, caller }, decision))
          .flatMap(explainedDecision),
      ],
    };
  },
});

/** That they are there is no secret, as others cannot have them; what for is. */
function heldForOthers({ length }: readonly OrderRecord[]): ExplanationView[] {
  if (length === 0) return [];
  return [
    {
      sentence: `it holds ${length === 1 ? "one machine" : `${length} machines`} for other projects`,
    },
  ];
}

function healthOf(
  { name, spec, status }: SiteRecord,
  offers: readonly Offer[],
  now: number,
): ExplanationView {
  const since = briefDuration(Math.max(0, now - status.since));
  if (status.health === "healthy")
    return {
      sentence: `it answers since ${since}, and gives ${offers.length === 1 ? "one offer" : `${offers.length} offers`}`,
    };
  const { type } = spec.config;
  return {
    sentence: `it is unhealthy since ${since}, so nothing is planned with it: ${status.reason}`,
    flip: `an answer to the question what it offers, which it is asked every ${briefDuration(limits.siteLookMs)}`,
    advice: `look at what it says; with other keys or addresses: canopy sites add ${type} --name ${name} --replace`,
  };
}

function offerOf(offer: Offer, forbidden: string | undefined): ExplanationView {
  const subject = offer.name;
  if (forbidden !== undefined)
    return {
      subject,
      sentence: `it is not taken for this project: ${forbidden}`,
      flip: "another policy: canopy policy show",
    };
  if (offer.microsPerHour === undefined)
    return {
      subject,
      sentence: "it is not taken for any job, as its price is unknown, and unknown is not zero",
      flip: "a price, where it is told of the site: --price",
    };
  if (offer.countMax <= 0)
    return {
      subject,
      sentence: "it is not taken, as the site gives no more of it",
      flip: "one more of it",
    };
  return { subject, sentence: `it may be taken, ${offer.countMax} of it at most` };
}
