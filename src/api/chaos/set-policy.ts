import { requireRole } from "#/access/roles.ts";
import { CanopyError } from "#/base/errors.ts";
import { isTimeZone } from "#/model/hours.ts";
import { chaosPolicyInput, chaosPolicyView } from "#/model/chaos-views.ts";
import { chaosPolicyName, type ChaosPolicy } from "#/model/policy.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { policyViewOf } from "../views/chaos.ts";

export const setChaosPolicy = defineCall({
  summary: "Set the bounds of failure injection",
  description:
    "All of the policy at once; what is not said takes its default. Holds at once, for a game day that is on too. Agents and machines serve every project: a policy that names them takes the role 'root'.",
  tag: "chaos",
  role: "admin",
  query: inProject,
  body: chaosPolicyInput,
  answer: chaosPolicyView,
  revision: "expected",
  errors: ["no-space"],
  async run({ parts, project, caller, body, request, reply }) {
    if (body.targets.some((target) => target !== "task"))
      requireRole(caller, "root", "let agents and machines be hit");
    if (!isTimeZone(body.timeZone)) {
      throw new CanopyError(
        "invalid",
        `Cannot set the policy as its time zone must be one of the IANA's: current value is '${body.timeZone}'`,
        { hint: "Write it like Europe/Berlin, or UTC" },
      );
    }
    const { space, clock } = parts;
    const name = chaosPolicyName(project);
    const committed = space.commit((tx) => {
      const before = tx.get("policy", name);
      requireRevision(request, before);
      const spec = { type: "chaos", ...body } as ChaosPolicy;
      const policy = tx.put<"policy">({ kind: "policy", project, name, spec, status: {} });
      return { ...policy, spec };
    });
    await committed.durable;
    tellRevision(reply, committed.value);
    return policyViewOf(committed.value, clock.now());
  },
});
