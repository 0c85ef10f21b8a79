import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";
import { inProject, siteParams } from "../params.ts";
import { requireRevision } from "../revisions.ts";
import { findSite, openOrdersOf } from "../views/sites.ts";

export const removeSite = defineCall({
  summary: "Remove a site",
  description: "Refused while it holds machines for this cloud: nobody would release them.",
  tag: "sites",
  role: "root",
  params: siteParams,
  query: inProject,
  status: 204,
  revision: "expected",
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, params, request }) {
    const { space } = parts;
    const { name } = findSite(space, params.site);
    await space.commit((tx) => {
      const site = tx.get("site", name);
      requireRevision(request, site);
      const [first, ...more] = openOrdersOf(space, name);
      if (first) {
        throw new CanopyError(
          "conflict",
          `Cannot remove the site '${name}' as it holds machines: ${first.name}${more.length > 0 ? ` and ${more.length} more` : ""}`,
        );
      }
      tx.delete("site", name);
    }).durable;
  },
});
