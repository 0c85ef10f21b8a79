import { siteDetail } from "#/model/site-views.ts";
import { defineCall } from "../call.ts";
import { inProject, siteParams } from "../params.ts";
import { tellRevision } from "../revisions.ts";
import { findSite, siteDetailOf } from "../views/sites.ts";

export const readSite = defineCall({
  summary: "Read a site",
  description: "Its configuration and what it would give now. Its secrets are never told.",
  tag: "sites",
  role: "viewer",
  params: siteParams,
  query: inProject,
  answer: siteDetail,
  revision: "told",
  errors: ["not-found"],
  run({ parts, params, reply }) {
    const site = findSite(parts.space, params.site);
    tellRevision(reply, site);
    return siteDetailOf(parts, site);
  },
});
