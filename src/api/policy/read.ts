import { CanopyError } from "#/base/errors.ts";
import { autonomicPolicyView } from "#/model/policy-views.ts";
import { autonomicPolicyName, policyOf } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { tellRevision } from "../revisions.ts";
import { autonomicPolicyViewOf } from "../views/policy.ts";

export const readPolicy = defineCall({
  summary: "Read what Canopy may do by itself",
  tag: "plans",
  role: "viewer",
  query: inProject,
  answer: autonomicPolicyView,
  revision: "told",
  errors: ["not-found"],
  async run({ parts, project, reply }) {
    const record = parts.space.get("policy", autonomicPolicyName(project));
    const policy = policyOf(record, "autonomic");
    if (!record || !policy)
      throw new CanopyError(
        "not-found",
        `The project '${project}' has no policy: what its approved plans need is bought`,
        { hint: "Bound it: canopy policy set policy.yaml" },
      );
    tellRevision(reply, record);
    return autonomicPolicyViewOf(project, policy, parts.currency);
  },
});
