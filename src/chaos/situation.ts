import type { ChaosTarget, Fault, HitRecord, Victim } from "#/model/game-day.ts";
import { jobOf, stepOfTask } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";

/** What there is to be hit, as the scheduler knows it. */
export interface Field {
  machines(): { machine: string; connected: boolean }[];
  leases(): LeaseSeen[];
  leaseOf(task: string): LeaseSeen | undefined;
  /** False when the machine is not connected. */
  strike(machine: string, fault: Fault): boolean;
}

export interface LeaseSeen {
  task: string;
  machine: string;
  fence: number;
  /** Wall clock at which it was handed out. */
  since: number;
  /** It may not have begun. */
  isAhead: boolean;
}

/** A task under way, with what decides whether it may be hit. */
export interface TaskUnderWay extends Victim {
  machine: string;
  project: string;
  job: string;
  jobTitle: string;
  /** Attempts that it has lost so far. */
  lost: number;
  isJob: boolean;
  isAhead: boolean;
}

export interface MachineThere {
  name: string;
  connected: boolean;
  cordoned: boolean;
  labels: Readonly<Record<string, string>>;
  /** What its agent knows how to suffer. */
  faults: readonly ChaosTarget[];
  tasks: TaskUnderWay[];
}

/** All that a decision looks at, at one moment. */
export interface Situation {
  now: number;
  machines: MachineThere[];
  /** Hits of any game day that have not healed. */
  open: HitRecord[];
}

/** Reads it from the records, and from the leases. */
export function situationOf(space: Space, field: Field, now: number): Situation {
  const connected = new Map(field.machines().map((seen) => [seen.machine, seen.connected]));
  const machines = new Map<string, MachineThere>();
  for (const { name, spec, status } of space.all("machine")) {
    machines.set(name, {
      name,
      connected: connected.get(name) === true,
      cordoned: spec.cordoned,
      labels: spec.labels,
      faults: status.faults ?? [],
      tasks: [],
    });
  }
  for (const lease of field.leases()) {
    const found = underWay(space, lease);
    if (found) machines.get(lease.machine)?.tasks.push(found);
  }
  const open = [...space.all("hit")].filter(({ status }) => status.phase === "open");
  return { now, machines: [...machines.values()], open };
}

function underWay(space: Space, lease: LeaseSeen): TaskUnderWay | undefined {
  const { task, fence, since, machine, isAhead } = lease;
  const record = space.get("task", task);
  const step = space.get("step", stepOfTask(task));
  const job = space.get("job", jobOf(task));
  if (!record || !step || !job) return undefined;
  const { run, needs } = step.spec.template;
  return {
    task,
    fence,
    since,
    milliCpus: needs.milliCpus,
    machine,
    isAhead,
    project: record.project,
    job: job.name,
    jobTitle: job.spec.title,
    lost: record.status.lost ?? 0,
    isJob: run.driver === "runner" && run.role === "job",
  };
}
