import { defineCall } from "../call.ts";
import { carbonZoneParams, inProject } from "../params.ts";
import { requireRevision } from "../revisions.ts";
import { findZone } from "../views/carbon.ts";

export const removeCarbonZone = defineCall({
  summary: "Remove a carbon zone",
  description: "How clean the power of its machines is, is then known to nobody.",
  tag: "carbon",
  role: "root",
  params: carbonZoneParams,
  query: inProject,
  status: 204,
  revision: "expected",
  errors: ["not-found", "no-space"],
  async run({ parts, params, request }) {
    const { space } = parts;
    const { name } = findZone(space, params.zone);
    await space.commit((tx) => {
      requireRevision(request, tx.get("carbon-zone", name));
      tx.delete("carbon-zone", name);
    }).durable;
  },
});
