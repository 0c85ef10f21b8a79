import { goalForAll, jobGoalOf } from "#/autonomic/job-goals.ts";
import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { sortsOf } from "#/autonomic/knowledge/sorts.ts";
import { goalUnder } from "#/autonomic/rules.ts";
import type { JobGoal, JobRecord } from "#/model/job.ts";
import type { Objective } from "#/model/plan.ts";
import { autonomicPolicyName, policyOf, type AutonomicPolicy } from "#/model/policy.ts";
import { schedulingOf, type JobOrder, type SchedulingPolicy } from "#/model/scheduling-policy.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
import { noAutonomy } from "./autonomy.ts";
import type { Moment } from "./moment.ts";

/** What a task of which nothing is known is taken to last. */
const unknownMs = 30_000;

/**
 * A moment as it would be under a policy. Which job goes first is carried out through priorities, which the
 * scheduler keeps to anyway.
 */
export function underPolicy(moment: Moment, policy: SchedulingPolicy): Moment {
  const { order, placement = moment.placement, objective } = schedulingOf(policy);
  const placed = { ...moment, placement };
  const ordered = order === undefined ? placed : inOrder(placed, order);
  if (objective === undefined) return ordered;
  const jobs = ordered.jobs.map((job) => ({ ...job, spec: aiming(job.spec, objective) }));
  return { ...ordered, jobs, objective };
}

/** A job's goal with another objective. */
function aiming(spec: JobRecord["spec"], objective: Objective): JobRecord["spec"] {
  return spec.goal ? { ...spec, goal: { ...spec.goal, objective } } : spec;
}

function inOrder(moment: Moment, order: JobOrder): Moment {
  const steps = Map.groupBy(moment.steps, ({ name }) => name.slice(0, name.indexOf("/")));
  const jobs = moment.jobs.map((job) => {
    const of = (steps.get(job.name) ?? [])
      .filter((step) => !hasStepEnded(step))
      .map((step) => ({ ...step, tasks: tasksLeft(step) }));
    const priority = priorityOf(order, job.spec.submittedAt, of, moment.runTimes);
    return { ...job, spec: { ...job.spec, priority } };
  });
  return { ...moment, jobs, order };
}

/** What gives jobs the priority and the goal that each would be given when it comes. */
export function arrivalsUnder({
  order,
  runTimes,
  objective,
  autonomy = noAutonomy,
}: Pick<Moment, "runTimes" | "order" | "objective" | "autonomy">): (arrival: Arrival) => Arrival {
  const policies = new Map(autonomy.policies.map((policy) => [policy.name, policy]));
  return (arrival) => {
    const { project, at } = arrival;
    const rules = policyOf(policies.get(autonomicPolicyName(project)), "autonomic");
    let spec = withGoal(arrival.spec, goalThen(arrival, rules));
    if (objective !== undefined) spec = aiming(spec, objective);
    if (order === undefined) return { ...arrival, spec };
    const steps = arrival.steps.map((step) => ({ ...step, project }));
    const priority = priorityOf(order, at, steps, runTimes);
    return { ...arrival, spec: { ...spec, priority } };
  };
}

function withGoal(
  { goal: _, ...spec }: JobRecord["spec"],
  goal: JobGoal | undefined,
): JobRecord["spec"] {
  return goal ? { ...spec, goal } : spec;
}

/**
 * What it asked for as far behind its submission as it was, and what the policy adds; where it asked for nothing, what
 * the policy says now. Who asked for more than the policy allows is taken to ask for the most that it does.
 */
function goalThen({ at, spec }: Arrival, rules: AutonomicPolicy | undefined): JobGoal | undefined {
  const { goal, submittedAt } = spec;
  if (!goal?.plan) {
    const forAll = goalForAll(rules);
    return forAll && jobGoalOf(forAll, at);
  }
  const { plan, objective, order, deadlineAt, budgetMicros } = goal;
  const { deadlineMsMax = Infinity, budgetMicrosMax = Infinity } = rules ?? {};
  const asked = {
    objective,
    ...(deadlineAt !== undefined && {
      deadlineMs: Math.min(deadlineAt - submittedAt, deadlineMsMax),
    }),
    ...(budgetMicros !== undefined && { budgetMicros: Math.min(budgetMicros, budgetMicrosMax) }),
  };
  return jobGoalOf(goalUnder(rules, asked), at, { plan, ...(order && { order }) });
}

type Part = Pick<StepRecord, "name" | "project" | "spec"> & { tasks: number };

function priorityOf(
  order: JobOrder,
  submittedAt: number,
  steps: readonly Part[],
  known: KnownRunTimes,
): number {
  if (order === "first-come") return -submittedAt;
  const cpus = ({ spec }: Part) => spec.template.needs.milliCpus / 1000;
  if (order === "smallest-first") return -Math.max(0, ...steps.map(cpus));
  const work = steps.map((step) => cpus(step) * step.tasks * expectedMs(step, known));
  return -work.reduce((sum, ms) => sum + ms, 0);
}

/** The mean of the narrowest sort of which something has ended. */
function expectedMs(step: Part, { sorts }: KnownRunTimes): number {
  for (const name of sortsOf(step)) {
    const ended = sorts.get(name)?.endedMs ?? [];
    if (ended.length > 0) return ended.reduce((sum, ms) => sum + ms, 0) / ended.length;
  }
  return unknownMs;
}

function tasksLeft(step: StepRecord): number {
  const { source } = step.spec;
  const range = source.type === "grid" ? source.parameters["index"] : undefined;
  const total = range && !Array.isArray(range) ? range.to : step.status.offered;
  return total - step.status.offered + unfinishedTasks(step);
}
