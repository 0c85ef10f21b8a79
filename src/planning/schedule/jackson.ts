/**
 * The length of Jackson's preemptive schedule of some tasks on one machine: at each moment, of those whose
 * head has passed, that with the longest tail runs. It is the largest, over all sets of these tasks, of
 * their smallest head + their sum of work + their smallest tail (Carlier: EJOR 11, 1982). Tasks are
 * sorted by their heads in place.
 */
export function jacksonLength(
  tasks: number[],
  heads: Float64Array,
  work: Float64Array,
  tails: Float64Array,
): number {
  tasks.sort((a, b) => heads[a]! - heads[b]!);
  const open = new LongestTail(tails);
  let [now, length, next] = [0, 0, 0];
  while (next < tasks.length || open.size > 0) {
    if (open.size === 0) now = Math.max(now, heads[tasks[next]!]!);
    for (; next < tasks.length && heads[tasks[next]!]! <= now; next++)
      open.push(tasks[next]!, work[tasks[next]!]!);
    const until = next < tasks.length ? heads[tasks[next]!]! : Infinity;
    if (now + open.left <= until) {
      now += open.left;
      length = Math.max(length, now + tails[open.task]!);
      open.pop();
    } else {
      open.left -= until - now;
      now = until;
    }
  }
  return length;
}

/** A heap of tasks and what is left of their work, with the longest tail on top. */
class LongestTail {
  #tails: Float64Array;
  #tasks: number[] = [];
  #left: number[] = [];

  constructor(tails: Float64Array) {
    this.#tails = tails;
  }

  get size(): number {
    return this.#tasks.length;
  }

  get task(): number {
    return this.#tasks[0]!;
  }

  get left(): number {
    return this.#left[0]!;
  }

  set left(work: number) {
    this.#left[0] = work;
  }

  push(task: number, work: number): void {
    let at = this.#tasks.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#tails[this.#tasks[above]!]! >= this.#tails[task]!) break;
      this.#tasks[at] = this.#tasks[above]!;
      this.#left[at] = this.#left[above]!;
      at = above;
    }
    this.#tasks[at] = task;
    this.#left[at] = work;
  }

  pop(): void {
    const task = this.#tasks.pop()!;
    const work = this.#left.pop()!;
    const size = this.#tasks.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      const tail = (index: number) => this.#tails[this.#tasks[index]!]!;
      if (below + 1 < size && tail(below + 1) > tail(below)) below++;
      if (tail(below) <= this.#tails[task]!) break;
      this.#tasks[at] = this.#tasks[below]!;
      this.#left[at] = this.#left[below]!;
      at = below;
    }
    this.#tasks[at] = task;
    this.#left[at] = work;
  }
}
