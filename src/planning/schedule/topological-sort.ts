import type { Edges } from "./network.ts";

/** Puts tasks in the order of their keys, smallest first, but each after those before it: a heap of those ready. */
export class TopologicalSort {
  #waits: Int32Array;
  #heap: Int32Array;
  #size = 0;

  constructor(tasks: number) {
    this.#waits = new Int32Array(tasks);
    this.#heap = new Int32Array(tasks);
  }

  sort(keys: Float64Array, before: Edges, after: Edges, into: Int32Array): void {
    const waits = this.#waits;
    for (let task = 0; task < waits.length; task++) {
      waits[task] = before.first[task + 1]! - before.first[task]!;
      if (waits[task] === 0) this.#push(task, keys);
    }
    for (let filled = 0; this.#size > 0; filled++) {
      const task = this.#pop(keys);
      into[filled] = task;
      for (let edge = after.first[task]!; edge < after.first[task + 1]!; edge++)
        if (--waits[after.task[edge]!]! === 0) this.#push(after.task[edge]!, keys);
    }
  }

  #push(task: number, keys: Float64Array): void {
    const heap = this.#heap;
    let at = this.#size++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (keys[heap[above]!]! <= keys[task]!) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = task;
  }

  #pop(keys: Float64Array): number {
    const heap = this.#heap;
    const top = heap[0]!;
    const moved = heap[--this.#size]!;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#size) break;
      if (below + 1 < this.#size && keys[heap[below + 1]!]! < keys[heap[below]!]!) below++;
      if (keys[heap[below]!]! >= keys[moved]!) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = moved;
    return top;
  }
}
