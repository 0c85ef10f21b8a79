import { autonomicPolicyInput, autonomicPolicyView } from "#/model/policy-views.ts";
import { autonomicPolicyName } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { confineLive, whileOvertaken } from "../jobs/confined.ts";
import { inProject } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { autonomicPolicyViewOf } from "../views/policy.ts";
import { checkedPolicy } from "./checked.ts";

export const setPolicy = defineCall({
  summary: "Set what Canopy may do by itself",
  description:
    "All of the policy at once. It bounds plans that are made from now on, and what is bought for jobs that run; by its rules on data tasks that run where they may not any more are stopped, and run again elsewhere. Refused with the two statements that contradict each other.",
  tag: "plans",
  role: "admin",
  query: inProject,
  body: autonomicPolicyInput,
  answer: autonomicPolicyView,
  revision: "expected",
  errors: ["no-space"],
  async run({ parts, project, body, request, reply }) {
    const { space, currency } = parts;
    const spec = await checkedPolicy(body, currency);
    const name = autonomicPolicyName(project);
    const committed = await whileOvertaken(async () => {
      const bind = await confineLive(space, project, spec.data ?? []);
      return space.commit((tx) => {
        requireRevision(request, tx.get("policy", name));
        bind(tx);
        return tx.put<"policy">({ kind: "policy", project, name, spec, status: {} });
      });
    });
    await committed.durable;
    tellRevision(reply, committed.value);
    return autonomicPolicyViewOf(project, spec, currency);
  },
});
