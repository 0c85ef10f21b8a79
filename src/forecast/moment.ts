import type { Arrival } from "#/autonomic/knowledge/arrivals.ts";
import type { Knowledge } from "#/autonomic/knowledge/follow.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { sortsOf } from "#/autonomic/knowledge/sorts.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { ProjectRecord } from "#/model/access.ts";
import type { CarbonZoneRecord } from "#/model/carbon-zone.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { isComing, type OrderRecord } from "#/model/order.ts";
import type { Placement } from "#/model/placement.ts";
import type { Objective, PlanRecord } from "#/model/plan.ts";
import type { PolicyRecord } from "#/model/policy.ts";
import type { JobOrder } from "#/model/scheduling-policy.ts";
import type { Offer } from "#/model/site.ts";
import { parentOf, type AnyRecord, type Change } from "#/model/record.ts";
import { hasStepEnded, type StepRecord } from "#/model/step.ts";
import { indexOfTask, jobOf, stepOfTask, type TaskRecord } from "#/model/task.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Space } from "#/space/space.ts";
import { autonomyOf, type MomentAutonomy } from "./autonomy.ts";
import { comingOf } from "./offered.ts";
import { simplified } from "./simplified.ts";
import { withTold } from "./told.ts";

const sliceRecords = limits.momentSliceRecords;

/** All that a fork begins with: what a cloud knew at one instant, as plain data that another thread can be given. */
export interface Moment {
  /** Wall clock. */
  readonly now: number;
  readonly epoch: number;
  readonly projects: readonly ProjectRecord[];
  /** Those that were connected, and take tasks. */
  readonly machines: readonly MachineRecord[];
  /** Those that had not ended, with all their steps. */
  readonly jobs: readonly JobRecord[];
  readonly steps: readonly StepRecord[];
  /** Tasks that wait for their first attempt, by step: their indexes. */
  readonly fresh: ReadonlyMap<string, Uint32Array>;
  /** All other tasks that have not ended, without their inputs. */
  readonly tried: readonly TaskRecord[];
  readonly held: readonly Held[];
  /** How clean power is and will be: of machines in these zones CO2 is known. */
  readonly zones: readonly CarbonZoneRecord[];
  readonly placement: Placement;
  readonly runTimes: KnownRunTimes;
  /** Jobs that were submitted lately: more of their like will be. */
  readonly arrivals: readonly Arrival[];
  /** Jobs of which more may come than is known. */
  readonly partial: readonly string[];
  /** Machines that were ordered and will be there later. */
  readonly coming: readonly { machine: MachineRecord; at: number; order?: string }[];
  /** Absent where nothing is bought: no job has a goal, and no project machines that its jobs share. */
  readonly autonomy?: MomentAutonomy;
  /** What gives jobs their priorities; they keep those that they have when absent. */
  readonly order?: JobOrder;
  /** Of all jobs that come and have goals; what those ask for when absent. */
  readonly objective?: Objective;
}

/** A task that a machine had at that instant. */
export interface Held {
  readonly machine: string;
  readonly task: string;
  readonly fence: number;
  /** For how long; undefined when it was handed out ahead and has not begun. */
  readonly ranMs: number | undefined;
}

export interface MomentParts {
  space: Space;
  scheduler: Pick<Scheduler, "leases" | "machines" | "placement">;
  clock: Clock;
  knowledge: Pick<Knowledge, "runTimes" | "arrivals" | "offers">;
  /** What sites would give now. */
  offers: () => readonly Offer[];
  /** Whether it is asked what would be bought, although nothing that is there asks for it. */
  withAutonomy?: boolean;
}

/**
 * Takes the state of a cloud that goes on working. It is read in slices, with turns of the event loop
 * in between; what changes meanwhile is noted and laid over it, so that all of it is as it was at one
 * instant: the last one.
 */
export async function takeMoment(parts: MomentParts): Promise<Moment> {
  const { space, clock } = parts;
  const reading = new Reading();
  const stopListening = space.onApplied((changes) => reading.changed(changes));
  try {
    let read = 0;
    for (const record of recordsOf(space)) {
      reading.saw(record);
      if (++read % sliceRecords > 0) continue;
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    const names = [...reading.jobs.values()].flatMap(({ spec }) => spec.goal?.plan || []);
    const plans = await space.find("plan", names);
    return momentOf(reading, plans, parts);
  } finally {
    stopListening();
  }
}

function* recordsOf(space: Space): Generator<AnyRecord> {
  yield* space.all("project");
  yield* space.all("machine");
  yield* space.all("order");
  yield* space.all("policy");
  for (const job of space.list("job")) {
    if (hasJobEnded(job)) continue;
    yield job;
    for (const step of space.list("step", job.name)) {
      yield step;
      if (!hasStepEnded(step)) yield* space.list("task", step.name);
    }
  }
}

/** What has been read so far, and what has changed since it was. */
class Reading {
  readonly projects = new Map<string, ProjectRecord>();
  readonly machines = new Map<string, MachineRecord>();
  readonly orders = new Map<string, OrderRecord>();
  readonly policies = new Map<string, PolicyRecord>();
  readonly jobs = new Map<string, JobRecord>();
  readonly steps = new Map<string, StepRecord>();
  /** Of steps that have not ended. */
  readonly sorts = new Map<string, readonly string[]>();
  /** Jobs of which more may come than is known. */
  readonly partial = new Set<string>();
  readonly fresh = new Map<string, number[]>();
  readonly tried = new Map<string, TaskRecord>();
  /** Tasks that changed while it was being read: as they are now, or undefined when they ended. */
  readonly changedTasks = new Map<string, TaskRecord | undefined>();

  saw(record: AnyRecord): void {
    if (record.kind === "task") this.#sawTask(record);
    else if (!this.#kept(record)?.has(record.name)) this.#keep(record);
  }

  #kept({ kind }: AnyRecord): Map<string, AnyRecord> | undefined {
    if (kind === "project") return this.projects;
    if (kind === "machine") return this.machines;
    if (kind === "order") return this.orders;
    if (kind === "policy") return this.policies;
    if (kind === "job") return this.jobs;
    return kind === "step" ? this.steps : undefined;
  }

  #keep(record: AnyRecord): void {
    if (record.kind !== "step") return void this.#kept(record)?.set(record.name, record);
    const { record: step, isPartial } = simplified(record);
    this.steps.set(step.name, step);
    if (isPartial) this.partial.add(jobOf(step.name));
    if (hasStepEnded(step)) this.sorts.delete(step.name);
    else if (!this.sorts.has(step.name)) this.sorts.set(step.name, sortsOf(record));
  }

  #sawTask(task: TaskRecord): void {
    if (isTried(task)) return void this.tried.set(task.name, task);
    const step = stepOfTask(task.name);
    const indexes = this.fresh.get(step);
    if (indexes) indexes.push(indexOfTask(task.name));
    else this.fresh.set(step, [indexOfTask(task.name)]);
  }

  changed(changes: readonly Change[]): void {
    for (const { op, record } of changes) {
      const isGone = op === "archive" || op === "delete";
      if (record.kind === "task") this.changedTasks.set(record.name, isGone ? undefined : record);
      else if (isGone) this.#kept(record)?.delete(record.name);
      else this.#keep(record);
    }
  }

  /** Lays what changed over what was read. */
  finish(): void {
    const touched = Map.groupBy(this.changedTasks.keys(), stepOfTask);
    for (const [step, names] of touched) {
      const gone = new Set(names.map(indexOfTask));
      const indexes = this.fresh.get(step);
      if (indexes)
        this.fresh.set(
          step,
          indexes.filter((index) => !gone.has(index)),
        );
      for (const name of names) {
        this.tried.delete(name);
        const task = this.changedTasks.get(name);
        if (task) this.#sawTask(task);
      }
    }
  }
}

function isTried({ status }: TaskRecord): boolean {
  const { phase, attempts, lost, fence } = status;
  return phase !== "ready" || attempts !== undefined || lost !== undefined || fence !== undefined;
}

function momentOf(
  reading: Reading,
  plans: readonly (PlanRecord | undefined)[],
  parts: MomentParts,
): Moment {
  const { space, scheduler, clock, knowledge } = parts;
  reading.finish();
  const autonomy = autonomyOf(
    {
      policies: [...reading.policies.values()],
      orders: [...reading.orders.values()],
      offers: knowledge.offers(parts.offers()),
      plans,
      jobs: [...reading.jobs.values()],
    },
    parts.withAutonomy ?? false,
  );
  const now = clock.now();
  const jobs = [...reading.jobs.values()].filter((job) => !hasJobEnded(job));
  const names = new Set(jobs.map(({ name }) => name));
  for (const { name, status } of jobs) if (status.open) reading.partial.add(name);
  const isOpen = (task: string) => {
    const step = stepOfTask(task);
    return reading.sorts.has(step) && names.has(jobOf(step));
  };
  const connected = new Set(
    scheduler.machines().flatMap(({ machine, connected: is }) => (is ? [machine] : [])),
  );
  const held = scheduler
    .leases()
    .filter(({ task, machine, isSecond }) => !isSecond && connected.has(machine) && isOpen(task))
    .map(({ task, machine, fence, since, isAhead }) => ({
      machine,
      task,
      fence,
      ranMs: isAhead ? undefined : Math.max(0, now - since),
    }));
  const arrivals = [...knowledge.arrivals.last];
  const known = knownOf(reading.sorts, arrivals, held, knowledge.runTimes);
  return {
    now,
    epoch: space.epoch,
    projects: [...reading.projects.values()],
    machines: [...reading.machines.values()].filter(({ name }) => connected.has(name)),
    jobs,
    steps: [...reading.steps.values()].filter(({ name }) => names.has(parentOf(name))),
    fresh: new Map(
      [...reading.fresh]
        .filter(([step]) => isOpen(`${step}/`))
        .map(([step, indexes]) => [step, new Uint32Array(indexes)]),
    ),
    tried: [...reading.tried.values()]
      .filter(({ name }) => isOpen(name))
      .map((task) => ({ ...task, spec: { input: "null" } })),
    held,
    coming: [...reading.orders.values()].filter(isComing).map((order) => comingOf(order, now)),
    zones: [...space.list("carbon-zone")],
    ...(autonomy && { autonomy }),
    placement: scheduler.placement,
    runTimes: withTold(known, jobs, plans, reading.sorts),
    arrivals,
    partial: [...reading.partial].filter((job) => names.has(job)),
  };
}

/** What is known of the sorts of tasks that are left or may come, those under way included. */
function knownOf(
  sortsOfSteps: ReadonlyMap<string, readonly string[]>,
  arrivals: readonly Arrival[],
  held: readonly Held[],
  runTimes: Knowledge["runTimes"],
): KnownRunTimes {
  const sorts = new Set<string>();
  for (const of of sortsOfSteps.values()) for (const sort of of) sorts.add(sort);
  for (const { project, steps } of arrivals)
    for (const { name, spec } of steps)
      for (const sort of sortsOf({ name, project, spec }).slice(1)) sorts.add(sort);
  const runningMs = new Map<string, number[]>();
  for (const { task, ranMs } of held) {
    if (ranMs === undefined) continue;
    for (const sort of sortsOfSteps.get(stepOfTask(task))!) {
      const of = runningMs.get(sort);
      if (of) of.push(ranMs);
      else runningMs.set(sort, [ranMs]);
    }
  }
  return runTimes.known(sorts, runningMs);
}
