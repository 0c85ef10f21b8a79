import { CanopyError } from "#/base/errors.ts";
import type { PlanProblem } from "./problem.ts";

/** A problem as flat arrays, for code that reads it a million times. */
export interface Network {
  tasks: number;
  machines: number;
  resources: number;
  /** Of task t on machine m at t * machines + m; Infinity where it does not fit. */
  durations: Float64Array;
  /** The shortest duration of each task on any machine. */
  shortest: Float64Array;
  /** Of task t and resource r at t * resources + r. */
  needs: Float64Array;
  /** Of machine m and resource r at m * resources + r. */
  capacities: Float64Array;
  speeds: Float64Array;
  /** When each machine can be used. */
  from: Float64Array;
  before: Edges;
  after: Edges;
  /** Every task after those before it. */
  order: Int32Array;
  /** Between machines a and b at a * machines + b; both 0 on one machine. */
  latency: Float64Array;
  /** Time per byte. */
  perByte: Float64Array;
}

/** Neighbours of task t: `task` and `bytes` from first[t] up to first[t + 1]. */
export interface Edges {
  first: Int32Array;
  task: Int32Array;
  bytes: Float64Array;
}

/**
 * Reads a problem once. Throws CanopyError "invalid" when tasks wait for each other in a circle, and
 * "unplaceable" when a task fits no machine.
 */
export function networkOf({ tasks, machines, link }: PlanProblem): Network {
  const [n, m] = [tasks.length, machines.length];
  const r = Math.max(1, ...machines.map(({ capacity }) => capacity.length));
  const network: Network = {
    tasks: n,
    machines: m,
    resources: r,
    durations: new Float64Array(n * m),
    shortest: new Float64Array(n),
    needs: new Float64Array(n * r),
    capacities: new Float64Array(m * r),
    speeds: Float64Array.from(machines, ({ speed = 1 }) => speed),
    from: Float64Array.from(machines, ({ from = 0 }) => from),
    before: edgesOf(tasks.map(({ after }) => after)),
    after: edgesOf(reversed(tasks)),
    order: new Int32Array(n),
    latency: new Float64Array(m * m),
    perByte: new Float64Array(m * m),
  };
  for (const [index, { capacity }] of machines.entries())
    network.capacities.set(capacity, index * r);
  for (const [task, { duration, needs }] of tasks.entries()) {
    network.needs.set(needs, task * r);
    let shortest = Infinity;
    for (const [machine, { capacity, speed = 1 }] of machines.entries()) {
      const fits = needs.every((need, resource) => need <= (capacity[resource] ?? 0));
      const time = typeof duration === "number" ? duration / speed : duration[machine]!;
      network.durations[task * m + machine] = fits ? time : Infinity;
      if (fits) shortest = Math.min(shortest, time);
    }
    if (shortest === Infinity)
      throw new CanopyError(
        "invalid",
        `Cannot schedule task ${task} as it must fit a machine: none has what it needs (${needs.join(", ")})`,
      );
    network.shortest[task] = shortest;
  }
  for (let a = 0; link && a < m; a++) {
    for (let b = 0; b < m; b++) {
      if (a === b) continue;
      const { latency, bandwidth } = link(a, b);
      network.latency[a * m + b] = latency;
      network.perByte[a * m + b] = 1 / bandwidth;
    }
  }
  sortTopologically(network);
  return network;
}

function reversed(tasks: PlanProblem["tasks"]): { task: number; bytes: number }[][] {
  const after: { task: number; bytes: number }[][] = tasks.map(() => []);
  for (const [task, { after: before }] of tasks.entries())
    for (const { task: earlier, bytes } of before) after[earlier]!.push({ task, bytes });
  return after;
}

function edgesOf(lists: readonly (readonly { task: number; bytes: number }[])[]): Edges {
  const all = lists.flat();
  const first = new Int32Array(lists.length + 1);
  for (const [task, list] of lists.entries()) first[task + 1] = first[task]! + list.length;
  return {
    first,
    task: Int32Array.from(all, ({ task }) => task),
    bytes: Float64Array.from(all, ({ bytes }) => bytes),
  };
}

function sortTopologically({ tasks, before, after, order }: Network): void {
  const waits = new Int32Array(tasks);
  let filled = 0;
  for (let task = 0; task < tasks; task++) {
    waits[task] = before.first[task + 1]! - before.first[task]!;
    if (waits[task] === 0) order[filled++] = task;
  }
  for (let at = 0; at < filled; at++) {
    const task = order[at]!;
    for (let edge = after.first[task]!; edge < after.first[task + 1]!; edge++)
      if (--waits[after.task[edge]!]! === 0) order[filled++] = after.task[edge]!;
  }
  if (filled < tasks)
    throw new CanopyError("invalid", "Cannot schedule tasks that wait for each other in a circle");
}
