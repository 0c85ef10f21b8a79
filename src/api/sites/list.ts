import { siteView } from "#/model/site-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { siteViewOf } from "../views/sites.ts";

export const listSites = defineCall({
  summary: "List sites",
  description: "By name, each with what it would give now. An unhealthy site gives nothing.",
  tag: "sites",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(siteView),
  run({ parts, query }) {
    const { limit, cursor } = query;
    const sites = [...parts.space.list("site")]
      .filter(({ name }) => cursor === undefined || name > cursor)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const items = sites.slice(0, limit).map((site) => siteViewOf(parts, site));
    return sites.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
