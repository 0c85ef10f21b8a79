import type { Network } from "./network.ts";

/**
 * Of each task, the longest way from its start to the end of all, with means over the machines that can
 * run it and over their links: what HEFT places first, and a good priority for any scheduler (Topcuoglu,
 * Hariri, Wu: IEEE TPDS 13(3), 2002, equation 4).
 */
export function upwardRanks(network: Network): Float64Array {
  const { tasks, machines, durations, order, after } = network;
  const link = meanLink(network);
  const ranks = new Float64Array(tasks);
  for (const task of order.toReversed()) {
    let [sum, able] = [0, 0];
    for (let machine = 0; machine < machines; machine++) {
      const duration = durations[task * machines + machine]!;
      if (duration === Infinity) continue;
      sum += duration;
      able++;
    }
    let longest = 0;
    for (let edge = after.first[task]!; edge < after.first[task + 1]!; edge++) {
      const transfer = link.latency + after.bytes[edge]! * link.perByte;
      longest = Math.max(longest, transfer + ranks[after.task[edge]!]!);
    }
    ranks[task] = sum / able + longest;
  }
  return ranks;
}

/**
 * Of each task t on each machine m, at t * machines + m: the shortest way from its end there to the end
 * of all when everything after it gets the machine it would like. The lookahead of PEFT (Arabnejad,
 * Barbosa: IEEE TPDS 25(3), 2014, equation 2).
 */
export function optimisticCosts(network: Network): Float64Array {
  const { tasks, machines, durations, order, after } = network;
  const link = meanLink(network);
  const costs = new Float64Array(tasks * machines);
  for (const task of order.toReversed()) {
    for (let edge = after.first[task]!; edge < after.first[task + 1]!; edge++) {
      const next = after.task[edge]! * machines;
      let elsewhere = Infinity;
      for (let machine = 0; machine < machines; machine++)
        elsewhere = Math.min(elsewhere, costs[next + machine]! + durations[next + machine]!);
      elsewhere += link.latency + after.bytes[edge]! * link.perByte;
      for (let machine = 0; machine < machines; machine++) {
        const here = costs[next + machine]! + durations[next + machine]!;
        const at = task * machines + machine;
        costs[at] = Math.max(costs[at]!, Math.min(here, elsewhere));
      }
    }
  }
  return costs;
}

/** Of each task, the mean over machines of its optimistic costs: the priority of PEFT. */
export function optimisticRanks({ tasks, machines }: Network, costs: Float64Array): Float64Array {
  return Float64Array.from({ length: tasks }, (_, task) => {
    let sum = 0;
    for (let machine = 0; machine < machines; machine++) sum += costs[task * machines + machine]!;
    return sum / machines;
  });
}

function meanLink({ machines, latency, perByte }: Network): { latency: number; perByte: number } {
  const pairs = Math.max(1, machines * (machines - 1));
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
  return { latency: sum(latency) / pairs, perByte: sum(perByte) / pairs };
}
