import type { Network } from "./network.ts";
import { emptySchedule, type Schedule } from "./problem.ts";

/**
 * What a scheduler does that never lets a machine wait: whenever a task ends or a machine becomes usable,
 * each task that is ready and fits somewhere is started, those of the highest rank first, on the machine
 * where it ends first (Graham: SIAM J. Applied Mathematics 17(2), 1969). Without ranks: first come, first
 * served. A task holds its room while its data is brought over.
 */
export function listSchedule(network: Network, ranks?: Float64Array): Schedule {
  const { tasks, from, before, after } = network;
  const schedule = emptySchedule(tasks);
  const room = new Room(network, schedule);
  const waits = new Int32Array(tasks);
  const ready: number[] = [];
  const makeReady = (task: number) => {
    const at = ranks ? firstBelow(ready, ranks, ranks[task]!) : ready.length;
    ready.splice(at, 0, task);
  };
  for (let task = 0; task < tasks; task++) {
    waits[task] = before.first[task + 1]! - before.first[task]!;
    if (waits[task] === 0) makeReady(task);
  }
  const moments = [...new Set(from)].toSorted((a, b) => b - a);
  for (let left = tasks; left > 0;) {
    const now = Math.min(moments.at(-1) ?? Infinity, room.nextEnd);
    while (moments.length > 0 && moments.at(-1)! <= now) moments.pop();
    for (let ended = room.end(now); ended !== undefined; ended = room.end(now)) {
      left--;
      for (let edge = after.first[ended]!; edge < after.first[ended + 1]!; edge++)
        if (--waits[after.task[edge]!]! === 0) makeReady(after.task[edge]!);
    }
    const kept: number[] = [];
    let seen = 0;
    for (let isRoom = room.isAny(now); isRoom && seen < ready.length; seen++) {
      if (room.start(ready[seen]!, now)) isRoom = room.isAny(now);
      else kept.push(ready[seen]!);
    }
    ready.splice(0, seen, ...kept);
  }
  return schedule;
}

/** Where the first task of a lower rank is. */
function firstBelow(tasks: number[], ranks: Float64Array, rank: number): number {
  let [low, high] = [0, tasks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranks[tasks[middle]!]! < rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What is free on each machine now, and what runs, soonest end last. */
class Room {
  #network: Network;
  #schedule: Schedule;
  #free: Float64Array;
  #ends: Float64Array;
  #running: number[] = [];
  /** Of each resource, what every task needs. */
  #least: Float64Array;

  constructor(network: Network, schedule: Schedule) {
    const { tasks, resources, needs } = network;
    this.#network = network;
    this.#least = new Float64Array(resources).fill(Infinity);
    for (let at = 0; at < tasks * resources; at++)
      this.#least[at % resources] = Math.min(this.#least[at % resources]!, needs[at]!);
    this.#schedule = schedule;
    this.#free = network.capacities.slice();
    this.#ends = new Float64Array(network.tasks);
    schedule.makespan = 0;
  }

  get nextEnd(): number {
    return this.#running.length === 0 ? Infinity : this.#ends[this.#running.at(-1)!]!;
  }

  /** Frees the room of one task that has ended by `now`, and gives that task. */
  end(now: number): number | undefined {
    if (this.nextEnd > now) return undefined;
    const task = this.#running.pop()!;
    this.#hold(task, this.#schedule.machines[task]!, -1);
    return task;
  }

  /** False when no machine has what every task needs. */
  isAny(now: number): boolean {
    const { machines, resources, from } = this.#network;
    for (let machine = 0; machine < machines; machine++) {
      if (from[machine]! > now) continue;
      const free = (least: number, resource: number) =>
        least <= this.#free[machine * resources + resource]!;
      if (this.#least.every(free)) return true;
    }
    return false;
  }

  /** False when the task fits nowhere now. */
  start(task: number, now: number): boolean {
    const { machines, durations, from } = this.#network;
    let [best, bestEnd] = [-1, Infinity];
    for (let machine = 0; machine < machines; machine++) {
      if (from[machine]! > now || !this.#fits(task, machine)) continue;
      const end = this.#dataReady(task, machine, now) + durations[task * machines + machine]!;
      if (end < bestEnd) [best, bestEnd] = [machine, end];
    }
    if (best < 0) return false;
    this.#schedule.machines[task] = best;
    this.#schedule.starts[task] = this.#dataReady(task, best, now);
    this.#schedule.makespan = Math.max(this.#schedule.makespan, bestEnd);
    this.#ends[task] = bestEnd;
    this.#hold(task, best, 1);
    const at = this.#running.findLastIndex((other) => this.#ends[other]! >= bestEnd);
    this.#running.splice(at + 1, 0, task);
    return true;
  }

  #fits(task: number, machine: number): boolean {
    const { machines, resources, durations, needs } = this.#network;
    if (durations[task * machines + machine] === Infinity) return false;
    for (let resource = 0; resource < resources; resource++)
      if (needs[task * resources + resource]! > this.#free[machine * resources + resource]!)
        return false;
    return true;
  }

  #hold(task: number, machine: number, sign: number): void {
    const { resources, needs } = this.#network;
    for (let resource = 0; resource < resources; resource++)
      this.#free[machine * resources + resource]! -= sign * needs[task * resources + resource]!;
  }

  #dataReady(task: number, machine: number, now: number): number {
    const { machines, latency, perByte, before } = this.#network;
    let ready = now;
    for (let edge = before.first[task]!; edge < before.first[task + 1]!; edge++) {
      const other = before.task[edge]!;
      const link = this.#schedule.machines[other]! * machines + machine;
      const transfer = latency[link]! + before.bytes[edge]! * perByte[link]!;
      ready = Math.max(ready, this.#ends[other]! + transfer);
    }
    return ready;
  }
}
