import type { Clock } from "#/base/clock.ts";
import { submitJob } from "#/jobs/submit.ts";
import { jobRequest } from "#/model/job-request.ts";
import { jobOf } from "#/model/task.ts";
import type { TaskOffer } from "#/model/wire.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Space } from "#/space/space.ts";
import { putMachine, SimulatedAgent } from "./simulated-agent.ts";

/**
 * The load of Kueue's own test of its scheduler's speed, as
 * github.com/kubernetes-sigs/kueue test/performance/scheduler/configs/baseline/generator.yaml says:
 * cohorts of queues with a quota of CPUs that borrow from each other, each queue with three kinds of
 * jobs that come at even intervals, and preemption both within a queue and to take back what was lent.
 */
export const kueueBaseline = {
  cohorts: 5,
  queues: 6,
  quotaCpus: 20,
  borrowCpus: 100,
  kinds: [
    { kind: "small", jobs: 350, everyMs: 100, runMs: 200, cpus: 1, priority: 50 },
    { kind: "medium", jobs: 100, everyMs: 500, runMs: 500, cpus: 5, priority: 75 },
    { kind: "large", jobs: 50, everyMs: 1200, runMs: 1000, cpus: 20, priority: 100 },
  ],
} as const;

type Load = typeof kueueBaseline;
type Kind = Load["kinds"][number];

/** What came of a replay. */
export interface Replayed {
  /** From the first job's creation until the last one's end was durable. */
  tookMs: number;
  /** CPU-milliseconds: of what was asked for, of what was run in vain, and of the quotas over the whole time. */
  workCpuMs: number;
  lostCpuMs: number;
  quotaCpuMs: number;
  preemptions: number;
  /** From a job's creation until the attempt began that ended it, the mean by kind. */
  waitMs: Record<Kind["kind"], number>;
  /** The most that one project, and one cohort, had under way at any moment, in CPUs. */
  projectCpusMax: number;
  cohortCpusMax: number;
}

interface Submitted {
  kind: Kind;
  cohort: number;
  project: string;
  createdMs: number;
  beganMs: number;
}

/** Puts the load on a scheduler, each job as a job of its own, and waits until all have ended. Machines have room for everything: the quotas are the only limit, as in Kueue's test, which has no nodes. */
export async function replay(
  { space, scheduler, clock }: { space: Space; scheduler: Scheduler; clock: Clock },
  load: Load = kueueBaseline,
): Promise<Replayed> {
  const jobs = new Map<string, Submitted>();
  const inUse = new Map<string, number>();
  const most = { project: 0, cohort: 0 };
  const waits = { small: 0, medium: 0, large: 0 };
  const total = load.cohorts * load.queues * load.kinds.reduce((sum, kind) => sum + kind.jobs, 0);
  const startMs = clock.monotonicMs();
  const done = Promise.withResolvers<void>();
  let ended = 0;
  let preemptions = 0;
  let lostCpuMs = 0;
  const use = (of: string, cpus: number) => {
    const now = (inUse.get(of) ?? 0) + cpus;
    inUse.set(of, now);
    return now;
  };
  const change = ({ project, cohort, kind }: Submitted, sign: number) => {
    most.project = Math.max(most.project, use(project, sign * kind.cpus));
    most.cohort = Math.max(most.cohort, use(`cohort ${cohort}`, sign * kind.cpus));
  };
  const jobOfOffer = ({ task }: TaskOffer) => jobs.get(jobOf(task))!;
  const watching = {
    offered(offers: readonly TaskOffer[]) {
      for (const offer of offers) {
        const job = jobOfOffer(offer);
        job.beganMs = clock.monotonicMs();
        change(job, 1);
      }
    },
    cancelled(offer: TaskOffer, ranMs: number) {
      const job = jobOfOffer(offer);
      preemptions++;
      lostCpuMs += ranMs * job.kind.cpus;
      change(job, -1);
    },
    ending(offer: TaskOffer) {
      change(jobOfOffer(offer), -1);
    },
    finished(offer: TaskOffer) {
      const job = jobOfOffer(offer);
      waits[job.kind.kind] += job.beganMs - job.createdMs;
      if (++ended === total) done.resolve();
    },
  };
  await prepare(space, load);
  const agents = machinesOf(load).map(
    (name) => new SimulatedAgent(scheduler, name, { clock, watching, runs: true }),
  );
  for (const agent of agents) agent.pull();
  let created = 0;
  const create = (cohort: number, queue: number, kind: Kind) => {
    const project = projectOf(cohort, queue);
    const id = `j${String(created++).padStart(12, "0")}`;
    jobs.set(id, { kind, cohort, project, createdMs: clock.monotonicMs(), beganMs: 0 });
    submit(space, clock, { id, project, kind });
  };
  for (let cohort = 0; cohort < load.cohorts; cohort++) {
    for (let queue = 0; queue < load.queues; queue++) {
      for (const kind of load.kinds) {
        const next = (number: number) => {
          create(cohort, queue, kind);
          if (number + 1 === kind.jobs) return;
          const dueMs = startMs + (number + 1) * kind.everyMs;
          clock.after(Math.max(0, dueMs - clock.monotonicMs()), () => next(number + 1));
        };
        next(0);
      }
    }
  }
  await done.promise;
  const tookMs = clock.monotonicMs() - startMs;
  for (const agent of agents) agent.leave();
  const queues = load.cohorts * load.queues;
  return {
    tookMs,
    workCpuMs:
      queues * load.kinds.reduce((sum, { jobs, runMs, cpus }) => sum + jobs * runMs * cpus, 0),
    lostCpuMs,
    quotaCpuMs: queues * load.quotaCpus * tookMs,
    preemptions,
    waitMs: {
      small: waits.small / (queues * load.kinds[0].jobs),
      medium: waits.medium / (queues * load.kinds[1].jobs),
      large: waits.large / (queues * load.kinds[2].jobs),
    },
    projectCpusMax: most.project,
    cohortCpusMax: most.cohort,
  };
}

const projectOf = (cohort: number, queue: number) => `cohort-${cohort}-queue-${queue}`;
const machinesOf = ({ cohorts }: Load) => Array.from({ length: cohorts }, (_, of) => `m${of}`);

async function prepare(space: Space, load: Load): Promise<void> {
  const { cohorts, queues, quotaCpus, borrowCpus } = load;
  await space.commit((tx) => {
    for (const name of machinesOf(load)) {
      putMachine(tx, name, {
        milliCpus: cohorts * queues * quotaCpus * 1000,
        memoryBytes: 2 ** 40,
      });
    }
    for (let cohort = 0; cohort < cohorts; cohort++) {
      for (let queue = 0; queue < queues; queue++) {
        const name = projectOf(cohort, queue);
        tx.put({
          kind: "project",
          project: name,
          name,
          spec: {
            title: name,
            createdAt: 0,
            weight: 1,
            quota: { milliCpus: quotaCpus * 1000 },
            cohort: `cohort-${cohort}`,
            borrow: { milliCpus: borrowCpus * 1000 },
          },
          status: {},
        });
      }
    }
  }).durable;
}

function submit(
  space: Space,
  clock: Clock,
  { id, project, kind }: { id: string; project: string; kind: Kind },
): void {
  const request = jobRequest.parse({
    title: kind.kind,
    priority: kind.priority,
    steps: [
      {
        name: kind.kind,
        run: { driver: "process", command: ["true"] },
        needs: { cpus: kind.cpus },
        source: { type: "inputs", inputs: [kind.runMs] },
      },
    ],
  });
  space.commit((tx) =>
    submitJob(tx, { request, project, submittedBy: "bench", now: clock.now(), id }),
  );
}
