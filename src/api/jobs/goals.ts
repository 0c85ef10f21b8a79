import { goalForAll, isBounded, jobGoalOf } from "#/autonomic/job-goals.ts";
import { goalUnder } from "#/autonomic/rules.ts";
import { budgetAheadMs } from "#/autonomic/soon.ts";
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

interface Known {
  readonly now: number;
  readonly spentMicros: number | undefined;
  readonly soon: { micros: number | undefined; tasks: number };
  readonly currency: string;
}

/**
 * The goal of a job that is tried again: its own but for what is changed of it, within its project's policy. Throws
 * "infeasible" where its deadline has passed, or its budget is spent: `spentMicros` is what it has cost, undefined
 * where nobody knows, and `soon` what it will have cost, with so many tasks, when its budget is first looked at.
 */
export function goalAgain(
  space: Reading,
  { name, project, spec }: JobRecord,
  change: GoalChange,
  known: Known,
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

/** Above what was spent, and what is looked ahead for: else it would be ended again at the first look. */
function requireBudget(
  name: string,
  budget = Infinity,
  { spentMicros: spent, soon, currency }: Known,
): void {
  if (budget === Infinity) return;
  const isSpent = spent === undefined || spent >= budget;
  const needed = isSpent ? spent : soon.micros;
  if (!isSpent && (needed === undefined || needed < budget)) return;
  const what = spent === undefined ? "what has no known price" : formatMicros(Math.ceil(spent));
  const tasks = soon.tasks === 1 ? "the task that begins" : `the ${soon.tasks} tasks that begin`;
  const more = isSpent
    ? ""
    : `, and with ${tasks} at once it is ${formatMicros(Math.ceil(needed!))} within ${formatDuration(budgetAheadMs)}, for which a budget is looked ahead`;
  const enough =
    needed === undefined ? "none" : `${formatMicros(Math.ceil(2 * needed))}${currency}`;
  throw new CanopyError(
    "infeasible",
    `Cannot retry the job ${name} as its budget of ${formatMicros(budget)} must be above what it has cost: it has cost ${what}${more}`,
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
