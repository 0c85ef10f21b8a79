import type { Random } from "#/base/random.ts";
import { lowerBound } from "./bound.ts";
import { ExactSearch } from "./exact-search.ts";
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
  /**
   * Asked before each try (or as often in the exact search), with their number so far; true ends the
   * search. A clock may stand behind it.
   */
  isOver: (tries: number) => boolean;
}

export interface PlannedSchedule extends Schedule {
  /** No schedule of this problem ends earlier; equal to the makespan when that is proved to be the shortest. */
  bound: number;
}

/**
 * Schedules tasks with precedence, needs of several resources and transfers on machines that may be
 * unlike, so that all end as early as can be found. The first schedule is made whatever `isOver` says: the
 * shortest of list scheduling by upward rank, HEFT and PEFT. Then it is improved until `isOver`, or until
 * it is proved to be the shortest; up to 53 tasks on one machine are also searched exactly, in turn.
 *
 * It is made for up to some thousands of tasks: 10,000 on 50 machines take 0.2 s to begin with.
 *
 * Throws CanopyError "invalid" when tasks wait for each other in a circle or one fits no machine.
 */
export function planSchedule(
  problem: PlanProblem,
  { random, isOver }: PlanOptions,
): PlannedSchedule {
  const network = networkOf(problem);
  const bound = lowerBound(network);
  const placement = new Placement(network);
  const justification = new Justification(network, placement);
  const lookahead = optimisticCosts(network);
  const best = firstSchedule(network, placement, lookahead);
  if (best.makespan > bound.makespan) justification.shorten(best);
  const improvement = new Improvement(
    { network, placement, justification, lookahead, random },
    best,
  );
  const exact = ExactSearch.suits(network) ? new ExactSearch(network, bound, best) : undefined;
  let tries = 0;
  const isDone = () => best.makespan <= bound.makespan || isOver(tries);
  // In turns that grow: neither search is kept waiting long by the other, and little is done twice.
  for (let turn = firstTurnTries; !isDone(); turn *= 2) {
    for (const end = tries + turn; tries < end && !isDone(); tries++) improvement.tryOnce(best);
    if (!exact || isDone()) continue;
    const isProved = exact.run(turn * nodesPerTry, () => isOver((tries += 1024 / nodesPerTry)));
    if (isProved) return { ...best, bound: best.makespan };
  }
  // Sums in another order may differ in their last bits.
  return { ...best, bound: Math.min(bound.makespan, best.makespan) };
}

/** Tries of the first turn of the search. */
const firstTurnTries = 128;
/** Nodes of the exact search that take about as long as a try. */
const nodesPerTry = 64;

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
