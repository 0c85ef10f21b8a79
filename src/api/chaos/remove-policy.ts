import { CanopyError } from "#/base/errors.ts";
import { chaosPolicyName } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";

export const removeChaosPolicy = defineCall({
  summary: "Let nothing be hit any more",
  description: "A game day that is on stops, and ends when what it hit has healed.",
  tag: "chaos",
  role: "admin",
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, project }) {
    const name = chaosPolicyName(project);
    if (!parts.space.get("policy", name))
      throw new CanopyError("not-found", `The project '${project}' has no chaos policy`);
    await parts.space.commit((tx) => tx.delete("policy", name)).durable;
  },
});
