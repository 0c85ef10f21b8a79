import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { sortsOf } from "#/autonomic/knowledge/sorts.ts";
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
  const { order, placement = moment.placement } = schedulingOf(policy);
  const placed = { ...moment, placement };
  return order === undefined ? placed : inOrder(placed, order);
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

/** A job with the priority that it would be given when it comes. */
export function arrivalUnder(
  arrival: Arrival,
  { order, runTimes }: Pick<Moment, "runTimes" | "order">,
): Arrival {
  if (order === undefined) return arrival;
  const { project } = arrival;
  const steps = arrival.steps.map((step) => ({ ...step, project }));
  const priority = priorityOf(order, arrival.at, steps, runTimes);
  return { ...arrival, spec: { ...arrival.spec, priority } };
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
