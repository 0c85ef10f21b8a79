import { sealedFor } from "#/autonomic/open-sites.ts";
import { CanopyError } from "#/base/errors.ts";
import type { SiteRecord } from "#/model/site.ts";
import type { SiteSecrets } from "#/model/site-config.ts";
import { siteDetail, siteInput } from "#/model/site-views.ts";
import { defineCall } from "../call.ts";
import { inProject, siteParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { findSite, openOrdersOf, siteDetailOf } from "../views/sites.ts";

export const setSite = defineCall({
  summary: "Add a site, or change it",
  description:
    "All of its configuration at once. Secrets are kept sealed and never told; those of a site that is there stay as they are when none are given. The site is asked for its offers before this answers: what it says when it refuses is in `reason`, and it is not planned with until it does answer.",
  tag: "sites",
  role: "root",
  params: siteParams,
  query: inProject,
  body: siteInput,
  answer: siteDetail,
  revision: "expected",
  errors: ["conflict", "no-space"],
  async run({ parts, params, body, request, reply }) {
    const { space, clock, sites } = parts;
    const { site: name } = params;
    const { config, secrets } = body;
    await space.commit((tx) => {
      const before = tx.get("site", name);
      requireRevision(request, before);
      if (before && before.spec.config.type !== config.type) refuseOtherType(parts, before);
      const now = clock.now();
      const spec = {
        createdAt: before?.spec.createdAt ?? now,
        config,
        ...sealedSecrets(parts, name, secrets, before),
      };
      const reason = "it was not asked yet";
      const unknown: SiteRecord["status"] = { health: "unhealthy", since: now, reason };
      const { removing: _, ...status } = before?.status ?? unknown; // whoever sets it wants it
      tx.put<"site">({ kind: "site", project: "", name, spec, status });
    }).durable;
    await sites.look(name);
    const site = findSite(space, name);
    tellRevision(reply, site);
    return siteDetailOf(parts, site);
  },
});

function sealedSecrets(
  { access }: DoorParts,
  name: string,
  secrets: SiteSecrets,
  before: SiteRecord | undefined,
): Pick<SiteRecord["spec"], "sealed" | "secretNames"> {
  const secretNames = Object.keys(secrets);
  if (secretNames.length > 0)
    return { sealed: access.seal(JSON.stringify(secrets), sealedFor(name)), secretNames };
  const { sealed, secretNames: names } = before?.spec ?? {};
  return sealed === undefined ? {} : { sealed, ...(names && { secretNames: names }) };
}

function refuseOtherType({ space }: DoorParts, { name, spec }: SiteRecord): void {
  const open = openOrdersOf(space, name);
  if (open.length === 0) return;
  throw new CanopyError(
    "conflict",
    `Cannot make the site '${name}' another type while it holds machines: it is ${spec.config.type}, and holds ${open.length}`,
  );
}
