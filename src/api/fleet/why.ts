import { decisionsAbout } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import { isPlanned } from "#/model/job.ts";
import { hasOrderEnded, isFleetOrder } from "#/model/order.ts";
import {
  autonomicPolicyName,
  fleetName,
  policyOf,
  type AutonomicPolicy,
  type Autonomy,
  type FleetPolicy,
} from "#/model/policy.ts";
import { jobOf } from "#/model/task.ts";
import { formatDuration, formatMicros } from "#/model/units.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { explainedDecision } from "../views/decisions.ts";

export const whyFleet = defineCall({
  summary: "Explain the machines that a project's jobs share",
  description:
    "What its policy says of them, what waits for them, which are there, and what was decided for them and why.",
  tag: "orders",
  role: "viewer",
  query: inProject,
  answer: whyView,
  async run({ parts, project }) {
    const { space, currency } = parts;
    const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
    const orders = [...space.all("order")].filter(
      (order) => isFleetOrder(order) && order.project === project && !hasOrderEnded(order),
    );
    const decisions = await decisionsAbout(space, fleetName(project), limits.decisionsShown);
    return {
      id: fleetName(project),
      phase: policy?.fleet ? "set" : "absent",
      explanations: [
        ...boundsOf(policy, currency),
        waitingOf(parts, project, policy, orders.length),
        ...orders.map(({ name, spec, status }) => ({
          subject: name,
          sentence: `it is a ${spec.offer.name} of ${spec.site}: ${status.phase}`,
          advice: `canopy why ${name}`,
        })),
        ...decisions.slice(0, limits.decisionsShown).flatMap(explainedDecision),
      ],
    };
  },
});

function boundsOf(policy: AutonomicPolicy | undefined, currency: string): ExplanationView[] {
  const fleet = policy?.fleet;
  if (!fleet)
    return [
      {
        sentence: "there is none: machines are bought for jobs with a deadline alone",
        flip: "a part 'fleet' in the project's policy",
        advice: "canopy policy set policy.yaml",
      },
    ];
  const { waitMsMax, machinesMin, machinesMax, budgetMicrosPerHour: micros, idleMs } = fleet;
  const bill =
    micros === undefined ? "" : `, and are billed ${formatMicros(micros)} ${currency} in any hour`;
  const level = levelOf(policy);
  return [
    {
      sentence: `no task of a job without a plan is to wait longer than ${formatDuration(waitMsMax)} for its machine: ${machinesMin} to ${machinesMax} machines are bought for that${bill === "" ? "" : `${bill} at most`}, and given back when idle for ${formatDuration(idleMs)}`,
    },
    ...(level === "act"
      ? []
      : [
          {
            sentence: `nothing is bought by itself, as the level 'buy' of its policy is '${level}'`,
            flip: "with autonomy.buy: act it would be",
          },
        ]),
  ];
}

function waitingOf(
  { space, scheduler }: DoorParts,
  project: string,
  policy: AutonomicPolicy | undefined,
  owned: number,
): ExplanationView {
  const steps = scheduler.waiting().filter(({ step }) => {
    const job = space.get("job", jobOf(step));
    return job?.project === project && !isPlanned(job);
  });
  const tasks = steps.reduce((sum, one) => sum + one.tasks, 0);
  if (tasks === 0) return { sentence: "no task waits for a machine" };
  const [first] = steps;
  return {
    sentence: `${tasks === 1 ? "one task waits" : `${tasks} tasks wait`} for a machine`,
    ...(policy?.fleet && levelOf(policy) === "act" && { flip: flipOf(policy.fleet, owned) }),
    advice: `canopy why ${jobOf(first!.step)}`,
  };
}

function levelOf({ autonomy }: AutonomicPolicy): Autonomy {
  return autonomy.buy ?? "act";
}

/** What lets more be bought; why no more was, the decisions say. */
function flipOf({ machinesMax }: FleetPolicy, owned: number): string {
  return owned >= machinesMax
    ? `a machinesMax above ${machinesMax} lets more be bought for them: as many are there, whatever waitMax is`
    : `a shorter waitMax lets more be bought for them, up to ${machinesMax - owned} more by machinesMax`;
}
