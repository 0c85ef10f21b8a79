import { Arrivals, type Arrival } from "#/autonomic/knowledge/arrivals.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { taskName } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import type { Moment } from "./moment.ts";

/** Jobs as they were submitted, and how long each of their tasks took. */
export interface Recording {
  jobs: readonly { id: string; arrival: Arrival }[];
  /** Wall time of the attempt that ended well, in milliseconds, by task. */
  runMs: ReadonlyMap<string, number>;
  /** Jobs of that time that cannot be replayed: they did not succeed, grew as they ran, or were too many. */
  leftOut: number;
  /** What they are submitted to, from the first submission on. */
  cloud: Moment;
}

const pageJobs = 500;
const pageTasks = 500;
const tasksMax = 200_000;

/** Reads what was submitted since an instant and has succeeded. The cloud is as it is at this moment. */
export async function recordingOf(space: Space, since: number, moment: Moment): Promise<Recording> {
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
  return { jobs, runMs, leftOut, cloud: atRest(moment, jobs[0]?.arrival.at ?? moment.now) };
}

/** A cloud of a moment before anything was submitted, and without what was bought for it. */
function atRest(moment: Moment, now: number): Moment {
  const { epoch, projects, machines, zones, placement, runTimes, autonomy } = moment;
  return {
    ...emptyMoment(
      now,
      machines.filter(({ spec }) => spec.order === undefined),
    ),
    epoch,
    projects,
    zones,
    placement,
    runTimes,
    ...(autonomy && { autonomy: { ...autonomy, orders: [], plans: [] } }),
  };
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
