import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { TaskTemplate } from "#/model/task.ts";
import type { StepState } from "./state.ts";

const goldenRatio = 0.618_033_988_749_895;

/** How often a task may fail and be tried again. A durable job's own code goes on from its steps; it is never tried again for failing. */
export function retriesOf({ run, retries }: TaskTemplate): number {
  return run.driver === "runner" && run.role === "job" ? 0 : retries;
}

/**
 * The rest after the `failures`-th failed attempt, in milliseconds: it doubles with each. Tasks that
 * failed together are spread over up to an eighth more, evenly by their index, so that they do not
 * come back together.
 */
export function backOffMs(retryMs: number, failures: number, index: number): number {
  const doubledMs = Math.min(retryMs * 2 ** (failures - 1), limits.retryMsMax);
  const spread = (index * goldenRatio) % 1;
  return Math.round(doubledMs * (1 + spread / 8));
}

interface Resting {
  atMs: number;
  step: StepState;
  index: number;
}

/** Tasks that rest after a failed attempt, woken in order of time by one timer. */
export class RestingTasks {
  #clock: Clock;
  #onAwake: (step: StepState, index: number) => void;
  /** A binary heap: no entry is due before the one at half its place. */
  #heap: Resting[] = [];
  #timer: Timer | undefined;
  #timerAtMs = Infinity;

  constructor(clock: Clock, onAwake: (step: StepState, index: number) => void) {
    this.#clock = clock;
    this.#onAwake = onAwake;
  }

  /** `notBefore` is wall clock; a clock that was set back makes nobody wait longer than the longest rest. */
  add(step: StepState, index: number, notBefore: number): void {
    const restMs = Math.min(Math.max(notBefore - this.#clock.now(), 0), limits.retryMsMax * 2);
    step.resting++;
    this.#push({ atMs: this.#clock.monotonicMs() + restMs, step, index });
    this.#arm();
  }

  /** The step has ended: its tasks wake no more. */
  drop(step: StepState): void {
    if (step.resting === 0) return;
    this.#heap = this.#heap.filter((entry) => entry.step !== step).sort((a, b) => a.atMs - b.atMs);
    step.resting = 0;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#heap = [];
  }

  #wake(): void {
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= nowMs) {
      const { step, index } = this.#pop();
      step.resting--;
      this.#onAwake(step, index);
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (!first || first.atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = first.atMs;
    const delayMs = Math.max(0, first.atMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.after(delayMs, () => this.#wake());
  }

  #push(entry: Resting): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.atMs <= entry.atMs) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Resting {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.atMs < heap[below]!.atMs) below++;
      if (heap[below]!.atMs >= last.atMs) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
