/** What a machine has left over time: steps, each with the free amount of every resource. */
export class Profile {
  #resources: number;
  #capacity: Float64Array;
  #count = 1;
  #times: Float64Array;
  #free: Float64Array;

  constructor(capacity: Float64Array, tasks: number) {
    this.#resources = capacity.length;
    this.#capacity = capacity;
    this.#times = new Float64Array(2 * tasks + 4);
    this.#free = new Float64Array((2 * tasks + 4) * capacity.length);
  }

  /** Empty again, of use from then on. */
  clear(from: number): void {
    this.#count = 1;
    this.#times[0] = 0;
    this.#free.set(this.#capacity, 0);
    if (from > 0) {
      this.#split(from);
      this.#free.fill(-1, 0, this.#resources);
    }
  }

  /** The earliest time from `ready` on at which what a task needs, never more than all, is free for `duration`. */
  earliest(ready: number, duration: number, needs: Float64Array, task: number): number {
    const [times, free, resources, count] = [this.#times, this.#free, this.#resources, this.#count];
    let at = count - 1;
    while (at > 0 && times[at]! > ready) at--;
    const need = task * resources;
    let start = ready;
    for (;;) {
      let fits = true;
      for (let resource = 0, here = at * resources; resource < resources; resource++, here++) {
        if (needs[need + resource]! > free[here]!) {
          fits = false;
          break;
        }
      }
      at++;
      if (at === count) return start; // after all else, everything is free
      if (!fits) start = times[at]!;
      else if (times[at]! >= start + duration) return start;
    }
  }

  take(start: number, end: number, needs: Float64Array, task: number): void {
    if (end <= start) return;
    const resources = this.#resources;
    const first = this.#split(start);
    const last = this.#split(end);
    for (let at = first; at < last; at++)
      for (let resource = 0; resource < resources; resource++)
        this.#free[at * resources + resource]! -= needs[task * resources + resource]!;
    // Tasks that follow each other without a gap leave one step behind, however many they are.
    this.#join(last);
    this.#join(first);
  }

  /** Drops the step at `at` if it has the same free as the one before it. */
  #join(at: number): void {
    const [free, resources] = [this.#free, this.#resources];
    if (at === 0) return;
    for (let here = at * resources; here < (at + 1) * resources; here++)
      if (free[here] !== free[here - resources]) return;
    this.#times.copyWithin(at, at + 1, this.#count);
    free.copyWithin(at * resources, (at + 1) * resources, this.#count * resources);
    this.#count--;
  }

  /** The step that begins at `time`, which is made if there is none. */
  #split(time: number): number {
    const times = this.#times;
    let at = this.#count - 1;
    while (times[at]! > time) at--;
    if (times[at] === time) return at;
    times.copyWithin(at + 2, at + 1, this.#count);
    this.#free.copyWithin(
      (at + 1) * this.#resources,
      at * this.#resources,
      this.#count * this.#resources,
    );
    times[at + 1] = time;
    this.#count++;
    return at + 1;
  }
}
