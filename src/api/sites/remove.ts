import { giveBack } from "#/autonomic/orders.ts";
import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";
import { flag, inProject, siteParams } from "../params.ts";
import { requireRevision } from "../revisions.ts";
import { findSite, openOrdersOf } from "../views/sites.ts";

export const removeSite = defineCall({
  summary: "Remove a site",
  description:
    "Also what is kept of it here: its secrets and keys. Refused while it holds machines for this cloud, as nobody would release them; with `release` they are given back first, and it goes with the last of them.",
  tag: "sites",
  role: "root",
  params: siteParams,
  query: inProject.extend({ release: flag }),
  status: 204,
  revision: "expected",
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, params, query, request }) {
    const { space, clock } = parts;
    const { name } = findSite(space, params.site);
    await space.commit((tx) => {
      const site = tx.get("site", name);
      requireRevision(request, site);
      const [first, ...more] = openOrdersOf(space, name);
      if (first && site && query.release) {
        const now = clock.now();
        const reason = "its site is removed";
        for (const { name: order } of [first, ...more]) giveBack(tx, order, reason, now);
        const status = { health: "unhealthy", since: now, removing: true } as const;
        tx.put<"site">({ ...site, status: { ...status, reason: "it is being removed" } });
        return;
      }
      if (first) {
        throw new CanopyError(
          "conflict",
          `Cannot remove the site '${name}' as it holds machines: ${first.name}${more.length > 0 ? ` and ${more.length} more` : ""}`,
          { hint: `Give them back with it: canopy sites remove ${name} --release` },
        );
      }
      tx.delete("site", name);
    }).durable;
  },
});
