import { CanopyError } from "#/base/errors.ts";
import { chaosPolicyView } from "#/model/chaos-views.ts";
import { chaosPolicyName, isChaosPolicy } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { tellRevision } from "../revisions.ts";
import { policyViewOf } from "../views/chaos.ts";

export const readChaosPolicy = defineCall({
  summary: "Read the bounds of failure injection",
  tag: "chaos",
  role: "viewer",
  query: inProject,
  answer: chaosPolicyView,
  revision: "told",
  errors: ["not-found"],
  async run({ parts, project, reply }) {
    const policy = parts.space.get("policy", chaosPolicyName(project));
    if (isChaosPolicy(policy)) {
      tellRevision(reply, policy);
      return policyViewOf(policy, parts.clock.now());
    }
    throw new CanopyError(
      "not-found",
      `The project '${project}' has no chaos policy: nothing of it is hit`,
      { hint: "canopy chaos policy set --targets task --hits 10 --at-once 1" },
    );
  },
});
