/**
 * What is to be scheduled. All times are in one unit, which is the caller's to choose: milliseconds for
 * jobs. Amounts (needs, capacities) are whole numbers, so that sums of them are exact.
 */
export interface PlanProblem {
  tasks: readonly PlanTask[];
  machines: readonly PlanMachine[];
  /** How data gets from one machine to another; without it, at once. */
  link?: (from: number, to: number) => Link;
}

export interface PlanTask {
  /** Time it takes on a machine of speed 1; or on each machine, Infinity where it cannot run. */
  duration: number | readonly number[];
  /** What it takes of each resource of its machine while it runs. */
  needs: readonly number[];
  /** The tasks that must end first. */
  after: readonly Dependency[];
}

export interface Dependency {
  task: number;
  /** Data to bring over where that task ran on another machine. */
  bytes: number;
}

export interface PlanMachine {
  /** How much it has of each resource. */
  capacity: readonly number[];
  /** A task takes its duration divided by this; default 1. */
  speed?: number;
  /** When it can be used, as after its boot; default 0. */
  from?: number;
}

export interface Link {
  latency: number;
  /** Bytes per unit of time. */
  bandwidth: number;
}

/** When and where each task runs. */
export interface Schedule {
  starts: Float64Array;
  machines: Int32Array;
  /** When the last task has ended. */
  makespan: number;
}

export function emptySchedule(tasks: number): Schedule {
  return { starts: new Float64Array(tasks), machines: new Int32Array(tasks), makespan: Infinity };
}

export function copySchedule(from: Schedule, into: Schedule): void {
  into.starts.set(from.starts);
  into.machines.set(from.machines);
  into.makespan = from.makespan;
}
