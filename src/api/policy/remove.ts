import { autonomicPolicyName } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { confineLive, whileOvertaken } from "../jobs/confined.ts";
import { inProject } from "../params.ts";
import { requireRevision } from "../revisions.ts";

export const removePolicy = defineCall({
  summary: "Remove the bounds of what Canopy may do by itself",
  description: "Nothing changes when there are none.",
  tag: "plans",
  role: "admin",
  query: inProject,
  status: 204,
  revision: "expected",
  errors: ["no-space"],
  async run({ parts, project, request }) {
    const name = autonomicPolicyName(project);
    await whileOvertaken(async () => {
      const unbind = await confineLive(parts.space, project, []);
      await parts.space.commit((tx) => {
        const policy = tx.get("policy", name);
        requireRevision(request, policy);
        unbind(tx);
        if (policy) tx.delete("policy", name);
      }).durable;
    });
  },
});
