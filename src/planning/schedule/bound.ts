import { limits } from "#/base/limits.ts";
import { jacksonLength } from "./jackson.ts";
import type { Edges, Network } from "./network.ts";
import { pigeonholeBound } from "./pigeonhole.ts";

/**
 * What no schedule can beat.
 *
 * Every task has a head, before which it cannot start, and a tail, which must follow its end. For any set
 * of tasks and any resource, smallest head + work of the set over all capacity + smallest tail is a bound
 * (Fernández, Bussell: IEEE Trans. Computers C-22(8), 1973), and the largest over all sets is found in
 * n log n. A head is itself the largest such bound over all that must be done before its task, and a tail
 * over all that comes after, so that a narrow place in the middle of a workflow counts in full.
 */
export interface Bound {
  /** No schedule ends earlier. */
  makespan: number;
  /** How long each task must be followed by others. */
  tails: Float64Array;
  /** True when every schedule without needless waits has whole times. */
  isWhole: boolean;
}

export function lowerBound(network: Network): Bound {
  const { tasks, order, before, after, shortest } = network;
  const shares = workShares(network);
  const heads = earliestUses(network);
  spread(network, shares, order, before, after, heads);
  const tails = new Float64Array(tasks);
  spread(network, shares, order.toReversed(), after, before, tails);
  let makespan = 0;
  for (const task of order)
    makespan = Math.max(makespan, heads[task]! + shortest[task]! + tails[task]!);
  for (const share of shares)
    makespan = Math.max(makespan, jacksonLength(working(order, share), heads, share, tails));
  if (tasks <= limits.planRefinedTasksMax)
    makespan = Math.max(makespan, pigeonholeBound(network, heads, tails));
  const isWhole = hasWholeTimes(network);
  // Less what sums of whole numbers over a capacity can be off by.
  if (isWhole) makespan = Math.max(0, Math.ceil(makespan - 1e-6));
  return { makespan, tails, isWhole };
}

/** Raises heads (or, with the order and edges turned round, tails) by what must be done before each task. */
function spread(
  network: Network,
  shares: Float64Array[],
  order: Int32Array,
  before: Edges,
  after: Edges,
  heads: Float64Array,
): void {
  const { tasks, shortest } = network;
  const place = new Int32Array(tasks);
  for (const [at, task] of order.entries()) place[task] = at;
  const seen = new Int32Array(tasks).fill(-1);
  const tails = new Float64Array(tasks);
  for (const task of order) {
    for (let edge = before.first[task]!; edge < before.first[task + 1]!; edge++) {
      const earlier = before.task[edge]!;
      heads[task] = Math.max(heads[task]!, heads[earlier]! + shortest[earlier]!);
    }
    if (tasks > limits.planRefinedTasksMax) continue;
    const earlier = ancestors(task, before, seen).toSorted((a, b) => place[b]! - place[a]!);
    tails[task] = -shortest[task]!;
    for (const other of earlier) {
      tails[other] = 0;
      for (let edge = after.first[other]!; edge < after.first[other + 1]!; edge++) {
        const next = after.task[edge]!;
        if (seen[next] !== task) continue;
        tails[other] = Math.max(tails[other]!, tails[next]! + shortest[next]!);
      }
    }
    for (const share of shares)
      heads[task] = Math.max(
        heads[task]!,
        jacksonLength(working(earlier, share), heads, share, tails),
      );
  }
}

/** All that must be done before a task, marked in `seen` with its number, as is the task itself. */
function ancestors(task: number, { first, task: others }: Edges, seen: Int32Array): number[] {
  const found = [task];
  seen[task] = task;
  for (let at = 0; at < found.length; at++) {
    for (let edge = first[found[at]!]!; edge < first[found[at]! + 1]!; edge++) {
      const other = others[edge]!;
      if (seen[other] === task) continue;
      seen[other] = task;
      found.push(other);
    }
  }
  return found.slice(1);
}

/**
 * For each resource, how long each task would take with all there is of it on all machines: its work on
 * the machine where that is least (duration × speed × need) over the sum of speed × capacity.
 */
function workShares(network: Network): Float64Array[] {
  const { tasks, machines, resources, durations, needs, capacities, speeds } = network;
  return Array.from({ length: resources }, (_, resource) => {
    let capacity = 0;
    for (let machine = 0; machine < machines; machine++)
      capacity += speeds[machine]! * capacities[machine * resources + resource]!;
    return Float64Array.from({ length: tasks }, (_, task) => {
      const need = needs[task * resources + resource]!;
      if (need === 0) return 0;
      let least = Infinity;
      for (let machine = 0; machine < machines; machine++)
        least = Math.min(least, durations[task * machines + machine]! * speeds[machine]!);
      return (least * need) / capacity;
    });
  });
}

/** When the first machine that can run each task can be used. */
function earliestUses({ tasks, machines, durations, from }: Network): Float64Array {
  return Float64Array.from({ length: tasks }, (_, task) => {
    let earliest = Infinity;
    for (let machine = 0; machine < machines; machine++)
      if (durations[task * machines + machine]! < Infinity)
        earliest = Math.min(earliest, from[machine]!);
    return earliest;
  });
}

function working(tasks: Iterable<number>, share: Float64Array): number[] {
  return Array.from(tasks).filter((task) => share[task]! > 0);
}

function hasWholeTimes({ durations, from, latency, perByte }: Network): boolean {
  const whole = (time: number) => time === Infinity || Number.isInteger(time);
  const none = (time: number) => time === 0;
  return durations.every(whole) && from.every(whole) && latency.every(none) && perByte.every(none);
}
