import { limits } from "#/base/limits.ts";
import type { Network } from "./network.ts";

/**
 * A bound from whole tasks: where only so many slots are, of any k × slots + 1 tasks some k + 1 run one
 * after the other, which takes at least as long as the k + 1 shortest of them. The smallest head of the
 * tasks comes before, their smallest tail after. Looks at sets of tasks with heads and tails from given
 * values on, the longest tasks of each.
 */
export function pigeonholeBound(
  network: Network,
  heads: Float64Array,
  tails: Float64Array,
): number {
  const { order, shortest, resources } = network;
  const byDuration = Array.from(order).toSorted((a, b) => shortest[b]! - shortest[a]!);
  let bound = 0;
  for (let resource = 0; resource < resources; resource++) {
    const users = byDuration.filter((task) => needOf(network, task, resource) > 0);
    const slots = slotsOf(network, users, resource);
    for (const head of sample(users.map((task) => heads[task]!))) {
      const late = users.filter((task) => heads[task]! >= head);
      for (const tail of sample(late.map((task) => tails[task]!))) {
        const durations = late
          .filter((task) => tails[task]! >= tail)
          .map((task) => shortest[task]!);
        bound = Math.max(bound, head + longestQueue(durations, slots) + tail);
      }
    }
  }
  return bound;
}

/** How many of the tasks can run at once, as far as one resource says. */
function slotsOf(network: Network, tasks: number[], resource: number): number {
  const { machines, resources, capacities } = network;
  const least = Math.min(...tasks.map((task) => needOf(network, task, resource)));
  let slots = 0;
  for (let machine = 0; machine < machines; machine++)
    slots += Math.floor(capacities[machine * resources + resource]! / least);
  return slots;
}

function needOf({ resources, needs }: Network, task: number, resource: number): number {
  return needs[task * resources + resource]!;
}

/** Over all k, the sum of the k + 1 shortest of the k × slots + 1 longest durations; longest first. */
function longestQueue(durations: number[], slots: number): number {
  let longest = durations[0] ?? 0;
  for (let k = 1; k * slots < durations.length; k++) {
    let sum = 0;
    for (let at = k * slots; at >= k * slots - k; at--) sum += durations[at]!;
    longest = Math.max(longest, sum);
  }
  return longest;
}

/** Some of the different values, evenly over their order. */
function sample(values: number[]): number[] {
  const sorted = [...new Set(values)].toSorted((a, b) => a - b);
  const step = Math.ceil(sorted.length / limits.planThresholdsMax);
  return sorted.filter((_, at) => at % step === 0);
}
