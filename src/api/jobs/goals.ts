import { goalForAll, isBounded, jobGoalOf } from "#/autonomic/job-goals.ts";
import { goalUnder } from "#/autonomic/rules.ts";
import { CanopyError } from "#/base/errors.ts";
import type { JobGoal, JobRecord } from "#/model/job.ts";
import type { Goal } from "#/model/plan.ts";
import { autonomicPolicyName, policyOf, type AutonomicPolicy } from "#/model/policy.ts";
import { formatDuration, formatMicros } from "#/model/units.ts";
import type { Transaction } from "#/space/space.ts";

type Reading = Pick<Transaction, "get">;

/** What a project's policy has each job keep for which nothing is asked; undefined where it bounds neither time nor money. */
export function goalByPolicy(space: Reading, project: string): Goal | undefined {
  return goalForAll(policyIn(space, project));
}

/** What is to change of a job's goal; null is to do without. */
export interface GoalChange {
  readonly deadlineMs?: number | null | undefined;
  readonly budgetMicros?: number | null | undefined;
}

/**
 * The goal of a job that is tried again: its own but for what is changed of it, within its project's policy. Throws
 * "infeasible" where its deadline has passed, or its budget is spent: `spentMicros` is what it has cost, undefined
 * where nobody knows.
 */
export function goalAgain(
  space: Reading,
  { name, project, spec }: JobRecord,
  change: GoalChange,
  known: { now: number; spentMicros: number | undefined; currency: string },
): JobGoal | undefined {
  const { plan = "", order, deadlineAt, budgetMicros, objective } = spec.goal ?? {};
  const { now } = known;
  const leftMs = changed(change.deadlineMs, deadlineAt && deadlineAt - now);
  if (leftMs !== undefined && leftMs <= 0)
    throw new CanopyError(
      "infeasible",
      `Cannot retry the job ${name} as its deadline must be ahead: it passed ${formatDuration(Math.ceil(-leftMs / 1000) * 1000)} ago`,
      { hint: `Give it another: canopy retry ${name} --deadline 1h, or none: --deadline none` },
    );
  const micros = changed(change.budgetMicros, budgetMicros);
  const goal = goalUnder(policyIn(space, project), {
    ...(objective !== undefined && { objective }),
    ...(leftMs !== undefined && { deadlineMs: leftMs }),
    ...(micros !== undefined && { budgetMicros: micros }),
  });
  if (!isBounded(goal)) return undefined;
  requireBudget(name, goal.budgetMicros, known);
  return jobGoalOf(goal, now, { plan, ...(order && { order }) });
}

function requireBudget(
  name: string,
  budget = Infinity,
  { spentMicros: spent, currency }: { spentMicros: number | undefined; currency: string },
): void {
  if (budget === Infinity || (spent !== undefined && spent < budget)) return;
  const what = spent === undefined ? "what has no known price" : formatMicros(Math.ceil(spent));
  const enough = spent === undefined ? "none" : `${formatMicros(Math.ceil(2 * spent))}${currency}`;
  throw new CanopyError(
    "infeasible",
    `Cannot retry the job ${name} as its budget of ${formatMicros(budget)} must be above what it has cost: it has cost ${what}`,
    {
      hint: `Give it a larger one, for all of it: canopy retry ${name} --budget ${enough}`,
    },
  );
}

function changed(to: number | null | undefined, from: number | undefined): number | undefined {
  return to === undefined ? from : (to ?? undefined);
}

function policyIn(space: Reading, project: string): AutonomicPolicy | undefined {
  return policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
}
