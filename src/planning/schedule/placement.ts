import type { Edges, Network } from "./network.ts";
import type { Schedule } from "./problem.ts";
import { Profile } from "./profile.ts";

/** Machine of a task that may run on any. */
export const anywhere = -1;

export interface PlacementOptions {
  /** The machine of each task, or `anywhere`; by default all are free. */
  where?: Int32Array | undefined;
  /** Time that follows when task t runs on machine m, at t * machines + m: counts in the choice of the machine. */
  lookahead?: Float64Array | undefined;
}

/**
 * Serial schedule generation: each task of a list, in turn, at the earliest time at which its data is
 * there and its machine has room, also in gaps before tasks placed earlier (Kelley 1963; with several
 * machines it is the insertion of HEFT). Of several machines that which ends the task first is taken.
 */
export class Placement {
  #network: Network;
  #profiles: Profile[];
  #ends: Float64Array;

  constructor(network: Network) {
    const { tasks, machines, resources, capacities } = network;
    this.#network = network;
    this.#ends = new Float64Array(tasks);
    this.#profiles = Array.from(
      { length: machines },
      (_, machine) =>
        new Profile(capacities.slice(machine * resources, (machine + 1) * resources), tasks),
    );
  }

  /** Places tasks in an order that has each after those before it. */
  forwards(order: Int32Array, into: Schedule, options: PlacementOptions = {}): void {
    for (const [machine, profile] of this.#profiles.entries())
      profile.clear(this.#network.from[machine]!);
    this.#place(order, this.#network.before, into, options);
  }

  /**
   * The same from the end, with time running back: an order has each task before those it waits for, and
   * the starts of `into` say how long before the end a task ends. Machines that come late count as there.
   */
  backwards(order: Int32Array, where: Int32Array, into: Schedule): void {
    for (const profile of this.#profiles) profile.clear(0);
    this.#place(order, this.#network.after, into, { where });
  }

  #place(
    order: Int32Array,
    edges: Edges,
    into: Schedule,
    { where, lookahead }: PlacementOptions,
  ): void {
    const { machines, durations, needs } = this.#network;
    const ends = this.#ends;
    into.makespan = 0;
    for (let at = 0; at < order.length; at++) {
      const task = order[at]!;
      const bound = where === undefined ? anywhere : where[task]!;
      let [bestStart, bestEnd, bestMachine, best] = [Infinity, Infinity, 0, Infinity];
      const [first, last] = bound === anywhere ? [0, machines - 1] : [bound, bound];
      for (let machine = first; machine <= last; machine++) {
        const duration = durations[task * machines + machine]!;
        if (duration === Infinity) continue;
        const further = lookahead === undefined ? 0 : lookahead[task * machines + machine]!;
        const ready = this.#dataReady(task, machine, edges, into.machines);
        if (ready + duration + further >= best) continue;
        const start = this.#profiles[machine]!.earliest(ready, duration, needs, task);
        if (start + duration + further >= best) continue;
        [bestStart, bestEnd, bestMachine] = [start, start + duration, machine];
        best = start + duration + further;
      }
      into.starts[task] = bestStart;
      into.machines[task] = bestMachine;
      ends[task] = bestEnd;
      into.makespan = Math.max(into.makespan, bestEnd);
      this.#profiles[bestMachine]!.take(bestStart, bestEnd, needs, task);
    }
  }

  /** When all that a task waits for has ended and come to a machine. */
  #dataReady(task: number, machine: number, edges: Edges, where: Int32Array): number {
    const { machines, latency, perByte } = this.#network;
    let ready = 0;
    for (let edge = edges.first[task]!; edge < edges.first[task + 1]!; edge++) {
      const other = edges.task[edge]!;
      const link = where[other]! * machines + machine;
      const transfer = latency[link]! + edges.bytes[edge]! * perByte[link]!;
      ready = Math.max(ready, this.#ends[other]! + transfer);
    }
    return ready;
  }
}
