import type { Random } from "#/base/random.ts";
import type { Justification } from "./justification.ts";
import type { Network } from "./network.ts";
import { anywhere, type Placement } from "./placement.ts";
import { copySchedule, emptySchedule, type Schedule } from "./problem.ts";
import { TopologicalSort } from "./topological-sort.ts";

export interface ImprovementParts {
  network: Network;
  placement: Placement;
  justification: Justification;
  /** What PEFT looks ahead to: used in every second try where there is a choice of machines. */
  lookahead: Float64Array;
  random: Pick<Random, "fraction">;
}

/** A try that is longer than the schedule it came from by this share of it is taken with probability 1/e. */
const tolerance = 0.005;
/** The shortest window, as a share of the makespan. */
const windowShareMin = 0.05;

/**
 * Large-neighbourhood search over lists: the tasks that run within a window of time are shuffled, and some
 * are freed of their machines; all are placed again in the order of their starts and justified. A worse
 * schedule is taken now and then (a threshold drawn anew each time), so that the search leaves valleys.
 */
export class Improvement {
  #parts: ImprovementParts;
  #sort: TopologicalSort;
  #keys: Float64Array;
  #order: Int32Array;
  #where: Int32Array;
  #current: Schedule;
  #next: Schedule;

  constructor(parts: ImprovementParts, from: Schedule) {
    const { tasks } = parts.network;
    this.#parts = parts;
    this.#sort = new TopologicalSort(tasks);
    this.#keys = new Float64Array(tasks);
    this.#order = new Int32Array(tasks);
    this.#where = new Int32Array(tasks);
    this.#current = emptySchedule(tasks);
    this.#next = emptySchedule(tasks);
    copySchedule(from, this.#current);
  }

  /** Tries one change; `best` becomes the schedule it gave when that is shorter. */
  tryOnce(best: Schedule): void {
    const { network, placement, justification, random } = this.#parts;
    const lookahead =
      network.machines > 1 && random.fraction() < 0.5 ? this.#parts.lookahead : undefined;
    this.#disturb();
    this.#sort.sort(this.#keys, network.before, network.after, this.#order);
    placement.forwards(this.#order, this.#next, { where: this.#where, lookahead });
    justification.shorten(this.#next);
    if (this.#next.makespan < best.makespan) copySchedule(this.#next, best);
    const threshold = 1 - tolerance * Math.log(1 - random.fraction());
    if (this.#next.makespan > this.#current.makespan * threshold) return;
    [this.#current, this.#next] = [this.#next, this.#current];
  }

  /** Gives the tasks of a window around a random moment of a random task new keys, and some new machines. */
  #disturb(): void {
    const { network, random } = this.#parts;
    const { tasks, machines, durations } = network;
    const { starts, machines: where, makespan } = this.#current;
    this.#keys.set(starts);
    this.#where.set(where);
    // Mostly short ones, but all of it now and then.
    const share = windowShareMin + (1 - windowShareMin) * random.fraction() ** 3;
    const length = share * makespan;
    const chosen = Math.floor(random.fraction() * tasks);
    const lasts = durations[chosen * machines + where[chosen]!]!;
    const from = starts[chosen]! + lasts * random.fraction() - length / 2;
    const shuffled = machines === 1 || random.fraction() < 0.5;
    const freed = machines === 1 ? 0 : random.fraction();
    for (let task = 0; task < tasks; task++) {
      const end = starts[task]! + durations[task * machines + where[task]!]!;
      if (end <= from || starts[task]! >= from + length) continue;
      if (shuffled) this.#keys[task] = from + length * random.fraction();
      if (random.fraction() < freed) this.#where[task] = this.#otherMachine(task);
    }
  }

  /** Mostly left to the placement, sometimes drawn. */
  #otherMachine(task: number): number {
    const { network, random } = this.#parts;
    if (random.fraction() < 0.9) return anywhere;
    const machine = Math.floor(random.fraction() * network.machines);
    return network.durations[task * network.machines + machine]! < Infinity ? machine : anywhere;
  }
}
