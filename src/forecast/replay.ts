import { Arrivals, type Arrival } from "#/autonomic/knowledge/arrivals.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { taskName } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import { bandOf, type Band } from "./band.ts";
import { Fork } from "./fork.ts";
import type { Placement } from "#/model/placement.ts";
import type { SchedulingPolicy } from "#/model/scheduling-policy.ts";
import { arrivalUnder, underPolicy } from "./policy.ts";
import type { Moment } from "./moment.ts";

/** Jobs as they were submitted, and how long each of their tasks took. */
export interface Recording {
  jobs: readonly { id: string; arrival: Arrival }[];
  /** Wall time of the attempt that ended well, in milliseconds, by task. */
  runMs: ReadonlyMap<string, number>;
  /** Jobs of that time that cannot be replayed: they did not succeed, grew as they ran, or were too many. */
  leftOut: number;
  machines: readonly MachineRecord[];
  placement: Placement;
  runTimes: KnownRunTimes;
}

/** How the same load went under one policy; all but the counts and money in milliseconds. */
export interface Replayed {
  policy: SchedulingPolicy;
  jobs: number;
  /** From submission until the first task began. */
  waitMs: Band;
  meanWaitMs: number;
  /** From submission to the end. */
  responseMs: Band;
  meanResponseMs: number;
  /** From the first submission to the last end. */
  makespanMs: number;
  /** Millionths of the currency that the jobs cost; undefined when a price is not known. */
  costMicros: number | undefined;
  /** The same for the machines, busy or not, over the makespan. */
  machinesMicros: number | undefined;
}

const pageJobs = 500;
const pageTasks = 500;
const tasksMax = 200_000;

/** Reads what was submitted since an instant and has succeeded. The machines are those that there are. */
export async function recordingOf(
  space: Space,
  since: number,
  { machines, placement, runTimes }: Pick<Moment, "machines" | "placement" | "runTimes">,
): Promise<Recording> {
  const jobs: Recording["jobs"][number][] = [];
  const runMs = new Map<string, number>();
  let leftOut = 0;
  for await (const job of endedJobs(space, since)) {
    const arrival = job.status.phase === "succeeded" ? await arrivalOf(space, job) : undefined;
    const tasks = arrival?.steps.reduce((sum, step) => sum + step.tasks, 0) ?? 0;
    if (!arrival || runMs.size + tasks > tasksMax) {
      leftOut++;
      continue;
    }
    await readRunTimes(space, arrival, runMs);
    jobs.push({ id: job.name, arrival });
  }
  jobs.sort((a, b) => a.arrival.at - b.arrival.at);
  return { jobs, runMs, leftOut, machines, placement, runTimes };
}

async function* endedJobs(space: Space, since: number): AsyncGenerator<JobRecord> {
  const live = [...space.list("job")];
  for (const job of live) if (hasJobEnded(job) && job.spec.submittedAt >= since) yield job;
  let before: string | undefined;
  for (;;) {
    const page = await space.archived("job", {
      limit: pageJobs,
      ...(before !== undefined && { before }),
    });
    for (const job of page) {
      if (job.spec.submittedAt < since) return;
      yield job;
    }
    before = page.at(-1)?.name;
    if (page.length < pageJobs) return;
  }
}

async function arrivalOf(space: Space, job: JobRecord): Promise<Arrival | undefined> {
  const names = Array.from({ length: job.status.steps }, (_, number) => `${job.name}/${number}`);
  const steps = (await space.find("step", names)).filter((step) => step !== undefined);
  if (steps.length < names.length || job.spec.mainStep !== undefined) return undefined;
  const arrivals = new Arrivals();
  arrivals.saw(job, steps);
  return arrivals.last[0];
}

async function readRunTimes(space: Space, { steps }: Arrival, into: Map<string, number>) {
  for (const { name, tasks } of steps) {
    for (let from = 0; from < tasks; from += pageTasks) {
      const names = Array.from({ length: Math.min(pageTasks, tasks - from) }, (_, index) =>
        taskName(name, from + index),
      );
      for (const task of await space.find("task", names))
        if (task?.status.usage) into.set(task.name, task.status.usage.wallMs);
    }
  }
}

/** Runs a recorded load again, from its first submission to its last end, under a policy. `isOver` gives up. */
export async function replay(
  recording: Recording,
  policy: SchedulingPolicy,
  isOver: () => boolean,
): Promise<Replayed | undefined> {
  const { jobs, runMs, machines, placement, runTimes } = recording;
  const begin = jobs[0]?.arrival.at;
  if (begin === undefined) return undefined;
  const empty = { ...emptyMoment(begin, machines), placement, runTimes };
  const moment = underPolicy(empty, policy);
  const fork = await Fork.open(moment, {
    runMs: (_step, { task }) => runMs.get(task) ?? 0,
    fails: () => false,
  });
  for (const { id, arrival } of jobs) {
    const inTurn = arrivalUnder(arrival, moment);
    fork.clock.after(arrival.at - begin, () => fork.submit(inTurn, id));
  }
  await fork.run(isOver);
  const ended = jobs.flatMap(({ id, arrival }) => {
    const outcome = fork.outcomes.get(id);
    return outcome ? [{ outcome, at: arrival.at }] : [];
  });
  const waits = ended.map(({ outcome, at }) => (outcome.beganAt ?? outcome.endedAt) - at);
  const responses = ended.map(({ outcome, at }) => outcome.endedAt - at);
  const makespanMs = Math.max(...ended.map(({ outcome }) => outcome.endedAt)) - begin;
  if (ended.length === 0) return undefined;
  return {
    policy,
    jobs: ended.length,
    waitMs: bandOf(waits)!,
    meanWaitMs: sumOf(waits) / ended.length,
    responseMs: bandOf(responses)!,
    meanResponseMs: sumOf(responses) / ended.length,
    makespanMs,
    costMicros: sumOfKnown(ended.map(({ outcome }) => outcome.usage.costMicros)),
    machinesMicros: sumOfKnown(
      machines.map(({ status: { rates } }) =>
        rates.microsPerHour === undefined
          ? undefined
          : (rates.microsPerHour * makespanMs) / 3_600_000,
      ),
    ),
  };
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

function sumOfKnown(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}

/** A cloud of those machines in which nothing was submitted yet. */
export function emptyMoment(now: number, machines: readonly MachineRecord[]): Moment {
  return {
    now,
    epoch: 0,
    projects: [],
    machines,
    jobs: [],
    steps: [],
    fresh: new Map(),
    tried: [],
    held: [],
    coming: [],
    zones: [],
    placement: "asked",
    runTimes: { sorts: new Map(), slowness: new Map() },
    arrivals: [],
    partial: [],
  };
}
