/** Branches that have been seen to their end, by the set of tasks that had started. */
export class Explored {
  #statesMax: number;
  #states = new Map<number, State[]>();
  #count = 0;

  constructor(statesMax: number) {
    this.#statesMax = statesMax;
  }

  /** Keeps one, while there is room. */
  add(started: number, now: number, running: readonly number[], ends: Float64Array): void {
    if (this.#count >= this.#statesMax) return;
    this.#count++;
    const state = { now, running, ends: running.map((task) => ends[task]!) };
    const states = this.#states.get(started);
    if (states) states.push(state);
    else this.#states.set(started, [state]);
  }

  /** True when nothing better can follow from here: with the same tasks, all was at least as early before. */
  covers(started: number, now: number, ends: Float64Array): boolean {
    const states = this.#states.get(started);
    return states !== undefined && states.some((state) => isNoLater(state, now, ends));
  }
}

interface State {
  now: number;
  running: readonly number[];
  /** Of those that were running. */
  ends: number[];
}

function isNoLater(state: State, now: number, ends: Float64Array): boolean {
  if (state.now > now) return false;
  for (let at = 0; at < state.running.length; at++)
    if (state.ends[at]! > now && state.ends[at]! > ends[state.running[at]!]!) return false;
  return true;
}
