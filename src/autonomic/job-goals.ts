import type { JobGoal } from "#/model/job.ts";
import type { Goal } from "#/model/plan.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import { goalUnder } from "./rules.ts";

/** A goal as a job keeps it from `now` on; `more` is what its plan says, where it has one. */
export function jobGoalOf(
  { deadlineMs, budgetMicros, objective }: Goal,
  now: number,
  more: Pick<JobGoal, "order"> & { plan?: string } = {},
): JobGoal {
  return {
    plan: "",
    objective,
    ...more,
    ...(deadlineMs !== undefined && { deadlineAt: now + deadlineMs }),
    ...(budgetMicros !== undefined && { budgetMicros }),
  };
}

/** What a policy has each job keep for which nothing is asked; undefined where it bounds neither time nor money. */
export function goalForAll(policy: AutonomicPolicy | undefined): Goal | undefined {
  const goal = goalUnder(policy, {});
  return isBounded(goal) ? goal : undefined;
}

export function isBounded({ deadlineMs, budgetMicros }: Goal): boolean {
  return deadlineMs !== undefined || budgetMicros !== undefined;
}
