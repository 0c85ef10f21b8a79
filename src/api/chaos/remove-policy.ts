import { CanopyError } from "#/base/errors.ts";
import { chaosPolicyName } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { requireRevision } from "../revisions.ts";

export const removeChaosPolicy = defineCall({
  summary: "Let nothing be hit any more",
  description: "A game day that is on stops, and ends when what it hit has healed.",
  tag: "chaos",
  role: "admin",
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  revision: "expected",
  async run({ parts, project, request }) {
    const name = chaosPolicyName(project);
    await parts.space.commit((tx) => {
      const policy = tx.get("policy", name);
      if (!policy)
        throw new CanopyError("not-found", `The project '${project}' has no chaos policy`);
      requireRevision(request, policy);
      tx.delete("policy", name);
    }).durable;
  },
});
