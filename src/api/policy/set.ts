import { rulesOf } from "#/autonomic/rules.ts";
import { CanopyError } from "#/base/errors.ts";
import { isTimeZone } from "#/model/hours.ts";
import { clashOf } from "#/model/policy-clash.ts";
import { autonomicPolicyInput, autonomicPolicyView } from "#/model/policy-views.ts";
import { autonomicPolicyName } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { autonomicPolicyOf, autonomicPolicyViewOf } from "../views/policy.ts";

export const setPolicy = defineCall({
  summary: "Set what Canopy may do by itself",
  description:
    "All of the policy at once. It bounds plans that are made from now on, and what is bought for jobs that run; its rules on data bind what is submitted from now on. Refused with the two statements that contradict each other.",
  tag: "plans",
  role: "admin",
  query: inProject,
  body: autonomicPolicyInput,
  answer: autonomicPolicyView,
  revision: "expected",
  errors: ["no-space"],
  async run({ parts, project, body, request, reply }) {
    const clash = await clashOf(body);
    if (clash)
      throw new CanopyError(
        "invalid",
        `Cannot set the policy as ${clash.paths.map((path) => path.join(".")).join(" and ")} contradict each other: ${clash.sentence}`,
        { hint: "Change one of the two" },
      );
    if (!isTimeZone(body.timeZone))
      throw new CanopyError(
        "invalid",
        `Cannot set the policy as its time zone must be one of the IANA's: current value is '${body.timeZone}'`,
        { hint: "Write it like Europe/Berlin, or UTC" },
      );
    const { space, currency } = parts;
    const spec = autonomicPolicyOf(body, currency);
    await rulesOf(spec); // throws where its condition cannot be read
    const name = autonomicPolicyName(project);
    const committed = space.commit((tx) => {
      requireRevision(request, tx.get("policy", name));
      return tx.put<"policy">({ kind: "policy", project, name, spec, status: {} });
    });
    await committed.durable;
    tellRevision(reply, committed.value);
    return autonomicPolicyViewOf(project, spec, currency);
  },
});
