import type { Network } from "./network.ts";
import type { Placement } from "./placement.ts";
import { copySchedule, emptySchedule, type Schedule } from "./problem.ts";
import { TopologicalSort } from "./topological-sort.ts";

/**
 * Shortens a schedule by placing all tasks again from its end, latest first, and from the start again
 * (double justification; Valls, Ballestín, Quintanilla: EJOR 165(2), 2005). Tasks keep their machines.
 */
export class Justification {
  #network: Network;
  #placement: Placement;
  #sort: TopologicalSort;
  #keys: Float64Array;
  #order: Int32Array;
  #moved: Schedule;

  constructor(network: Network, placement: Placement) {
    this.#network = network;
    this.#placement = placement;
    this.#sort = new TopologicalSort(network.tasks);
    this.#keys = new Float64Array(network.tasks);
    this.#order = new Int32Array(network.tasks);
    this.#moved = emptySchedule(network.tasks);
  }

  /** Changes `schedule` to one that is no longer. */
  shorten(schedule: Schedule): void {
    const { before, after } = this.#network;
    const [order, moved] = [this.#order, this.#moved];
    this.#sort.sort(this.#latestEnds(schedule), after, before, order);
    this.#placement.backwards(order, schedule.machines, moved);
    this.#sort.sort(this.#latestEnds(moved), before, after, order);
    this.#placement.forwards(order, moved, { where: schedule.machines });
    if (moved.makespan <= schedule.makespan) copySchedule(moved, schedule);
  }

  #latestEnds({ starts, machines: where }: Schedule): Float64Array {
    const { machines, durations } = this.#network;
    for (let task = 0; task < starts.length; task++)
      this.#keys[task] = -(starts[task]! + durations[task * machines + where[task]!]!);
    return this.#keys;
  }
}
