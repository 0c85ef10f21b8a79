import { decisionsAbout } from "#/autonomic/decide.ts";
import { hourOf } from "#/autonomic/fleet/bill.ts";
import { fleetView } from "#/model/fleet-views.ts";
import { isPlanned } from "#/model/job.ts";
import { hasOrderEnded, isFleetOrder } from "#/model/order.ts";
import { autonomicPolicyName, fleetName, policyOf } from "#/model/policy.ts";
import { jobOf } from "#/model/task.ts";
import { formatMicros } from "#/model/units.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { decisionViewOf, orderViewOf } from "../views/plans.ts";
import { autonomicPolicyViewOf } from "../views/policy.ts";

const decisionsShown = 20;

export const readFleet = defineCall({
  summary: "Read the machines that a project's jobs share",
  description:
    "What its policy says of them, what waits, what was ordered, and what was decided for it and why.",
  tag: "orders",
  role: "viewer",
  query: inProject,
  answer: fleetView,
  async run({ parts, project }) {
    const { space, scheduler, clock, currency } = parts;
    const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
    const orders = [...space.all("order")].filter(
      (order) => isFleetOrder(order) && order.project === project,
    );
    const decisions = await decisionsAbout(space, fleetName(project), decisionsShown);
    const now = clock.now();
    const hour = hourOf(orders, now);
    const waiting = scheduler
      .waiting()
      .filter(({ step }) => space.get("step", step)?.project === project)
      .filter(({ step }) => {
        const job = space.get("job", jobOf(step));
        return job !== undefined && !isPlanned(job);
      });
    return {
      project,
      policy: policy && autonomicPolicyViewOf(project, policy, currency).fleet,
      waiting: waiting.reduce((sum, { tasks }) => sum + tasks, 0),
      orders: orders
        .filter((order) => !hasOrderEnded(order))
        .map((order) => orderViewOf(order, now)),
      costPerHourMax: hour === undefined ? undefined : `${formatMicros(hour)} ${currency}`,
      decisions: decisions.slice(0, decisionsShown).map(decisionViewOf),
    };
  },
});
