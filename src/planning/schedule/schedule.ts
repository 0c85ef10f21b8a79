import type { Random } from "#/base/random.ts";
import { lowerBound } from "./bound.ts";
import { Improvement } from "./improvement.ts";
import { Justification } from "./justification.ts";
import { listSchedule } from "./list-schedule.ts";
import { networkOf, type Network } from "./network.ts";
import { Placement, type PlacementOptions } from "./placement.ts";
import { emptySchedule, type PlanProblem, type Schedule } from "./problem.ts";
import { optimisticCosts, optimisticRanks, upwardRanks } from "./ranks.ts";
import { TopologicalSort } from "./topological-sort.ts";

export interface PlanOptions {
  /** Decides what is tried: the same seed, the same schedule after as many tries. */
  random: Pick<Random, "fraction">;
  /** Asked before each try, with their number so far; true ends the search. A clock may stand behind it. */
  isOver: (tries: number) => boolean;
}

export interface PlannedSchedule extends Schedule {
  /** No schedule of this problem ends earlier; equal to the makespan when that is proved to be the shortest. */
  bound: number;
}

/**
 * Schedules tasks with precedence, needs of several resources and transfers on machines that may be
 * unlike, so that all end as early as can be found. Never longer than list scheduling by upward rank,
 * HEFT or PEFT, from which the search begins; it ends when it has reached the bound. The first schedule
 * takes about (dependencies + tasks) × machines steps, each try as many.
 *
 * Throws CanopyError "invalid" when tasks wait for each other in a circle or one fits no machine.
 */
export function planSchedule(
  problem: PlanProblem,
  { random, isOver }: PlanOptions,
): PlannedSchedule {
  const network = networkOf(problem);
  const { makespan: bound } = lowerBound(network);
  const placement = new Placement(network);
  const justification = new Justification(network, placement);
  const lookahead = optimisticCosts(network);
  const best = firstSchedule(network, placement, lookahead);
  if (best.makespan > bound) justification.shorten(best);
  const parts = { network, placement, justification, lookahead, random };
  const improvement = new Improvement(parts, best);
  for (let tries = 0; best.makespan > bound && !isOver(tries); tries++) improvement.tryOnce(best);
  // Sums in another order may differ in their last bits.
  return { ...best, bound: Math.min(bound, best.makespan) };
}

/** The shortest of what the known rules give. */
function firstSchedule(network: Network, placement: Placement, lookahead: Float64Array): Schedule {
  const ranks = upwardRanks(network);
  const all = [
    listSchedule(network, ranks),
    byRank(network, placement, ranks),
    byRank(network, placement, optimisticRanks(network, lookahead), { lookahead }),
  ];
  return all.reduce((best, other) => (other.makespan < best.makespan ? other : best));
}

/** HEFT with upward ranks; PEFT with optimistic ranks and their costs as lookahead. */
export function byRank(
  network: Network,
  placement: Placement,
  ranks: Float64Array,
  options: PlacementOptions = {},
): Schedule {
  const order = new Int32Array(network.tasks);
  const keys = ranks.map((rank) => -rank);
  new TopologicalSort(network.tasks).sort(keys, network.before, network.after, order);
  const schedule = emptySchedule(network.tasks);
  placement.forwards(order, schedule, options);
  return schedule;
}
