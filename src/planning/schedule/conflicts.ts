import type { Network } from "./network.ts";

/**
 * Which tasks of one machine can never run at the same time, as one waits for the other or both together
 * need too much: sets of bits, for up to 64 tasks.
 */
export class Conflicts {
  #low: Int32Array;
  #high: Int32Array;
  #durations: Float64Array;
  #longestFirst: Int32Array;

  constructor({ tasks, resources, durations, needs, capacities, order, before }: Network) {
    this.#low = new Int32Array(tasks);
    this.#high = new Int32Array(tasks);
    this.#durations = durations;
    this.#longestFirst = order.toSorted((a, b) => durations[b]! - durations[a]!);
    const add = (a: number, b: number) => {
      (b < 32 ? this.#low : this.#high)[a]! |= 1 << (b & 31);
      (a < 32 ? this.#low : this.#high)[b]! |= 1 << (a & 31);
    };
    const earlier: Set<number>[] = [];
    for (const task of order) {
      earlier[task] = new Set();
      for (let edge = before.first[task]!; edge < before.first[task + 1]!; edge++) {
        const other = before.task[edge]!;
        for (const found of [other, ...earlier[other]!]) earlier[task].add(found);
      }
      for (const other of earlier[task]) add(task, other);
    }
    for (let a = 0; a < tasks; a++) {
      for (let b = 0; b < a; b++) {
        for (let resource = 0; resource < resources; resource++) {
          const both = needs[a * resources + resource]! + needs[b * resources + resource]!;
          if (both > capacities[resource]!) add(a, b);
        }
      }
    }
  }

  /**
   * The time that a task takes with others, none of which has started, when no two of them can run
   * together: the longest that fits is added, again and again (Mingozzi et al.: Management Science 44(5),
   * 1998, bound 3).
   */
  timeFrom(task: number, isStarted: Uint8Array): number {
    const [low, high] = [this.#low, this.#high];
    let [all, rest] = [low[task]!, high[task]!];
    let time = this.#durations[task]!;
    for (let at = 0; at < this.#longestFirst.length; at++) {
      const other = this.#longestFirst[at]!;
      if (isStarted[other] === 1) continue;
      if (((other < 32 ? all : rest) & (1 << (other & 31))) === 0) continue;
      time += this.#durations[other]!;
      all &= low[other]!;
      rest &= high[other]!;
    }
    return time;
  }
}
