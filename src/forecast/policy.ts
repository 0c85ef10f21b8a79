import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { sortsOf } from "#/autonomic/knowledge/sorts.ts";
import type { JobGoal, JobRecord } from "#/model/job.ts";
import type { Objective } from "#/model/plan.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import { schedulingOf, type JobOrder, type SchedulingPolicy } from "#/model/scheduling-policy.ts";
import { hasStepEnded, unfinishedTasks, type StepRecord } from "#/model/step.ts";
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

/** A job with the priority and the goal that it would be given when it comes. */
export function arrivalUnder(
  arrival: Arrival,
  { order, runTimes, objective, rules }: Pick<Moment, "runTimes" | "order" | "objective" | "rules">,
): Arrival {
  const { project, at } = arrival;
  let { spec } = arrival;
  const goal = spec.goal ? { ...spec.goal, ...movedTo(at, spec) } : goalBy(rules, at);
  if (goal) spec = { ...spec, goal };
  if (objective !== undefined) spec = aiming(spec, objective);
  if (order === undefined) return { ...arrival, spec };
  const steps = arrival.steps.map((step) => ({ ...step, project }));
  const priority = priorityOf(order, at, steps, runTimes);
  return { ...arrival, spec: { ...spec, priority } };
}

/** As far behind its submission as it was. */
function movedTo(at: number, { goal, submittedAt }: JobRecord["spec"]): Partial<JobGoal> {
  if (goal?.deadlineAt === undefined) return {};
  return { deadlineAt: at + goal.deadlineAt - submittedAt };
}

/** What rules say of jobs that ask for nothing. */
function goalBy(rules: AutonomicPolicy | undefined, at: number): JobGoal | undefined {
  const { deadlineMs, budgetMicros, objective = "cost" } = rules ?? {};
  if (deadlineMs === undefined && budgetMicros === undefined) return undefined;
  return {
    plan: "",
    objective,
    ...(deadlineMs !== undefined && { deadlineAt: at + deadlineMs }),
    ...(budgetMicros !== undefined && { budgetMicros }),
  };
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
