import type { Clock, Timer } from "./clock.ts";
import { Heap, type Timed } from "./heap.ts";
import { reactions } from "./reactions.ts";

interface Event extends Timed {
  action: (() => void) | undefined;
}

/**
 * Time that passes from one event to the next, as fast as they can be worked through. What was asked
 * for "in the background" (looking after things at fixed intervals) makes no time pass by itself: it
 * runs when something else happens at its instant or after it. So an hour in which nothing happens
 * costs nothing, and time is over when nothing but looking is left to do.
 */
export class SimulatedClock implements Clock {
  #nowMs: number;
  #order = 0;
  #events = new Heap<Event>();
  #background = new Heap<Event>();
  #soon: (() => void)[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void, background = false): Timer {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const event: Event = { atMs, order: this.#order++, action };
    (background ? this.#background : this.#events).push(event);
    return { cancel: () => void (event.action = undefined) };
  }

  soon(action: () => void): void {
    this.#soon.push(action);
  }

  /** Runs what falls due, in order, until nothing is left or `isOver` says so: it is asked after each instant. */
  async run(isOver: () => boolean): Promise<void> {
    await this.#settle();
    while (!isOver()) {
      const next = this.#next();
      if (!next) return;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#runDue(this.#background);
      this.#runDue(this.#events);
      await this.#settle();
    }
  }

  #next(): Event | undefined {
    while (this.#events.first && !this.#events.first.action) this.#events.pop();
    return this.#events.first;
  }

  #runDue(heap: Heap<Event>): void {
    const before = this.#order; // what these events ask for comes after all of them
    while (heap.first && heap.first.atMs <= this.#nowMs && heap.first.order < before)
      heap.pop()!.action?.();
  }

  /** Works off what is to be done at this instant, with all that follows from it. */
  async #settle(): Promise<void> {
    for (;;) {
      await reactions();
      if (this.#soon.length === 0) return;
      const actions = this.#soon;
      this.#soon = [];
      for (const action of actions) action();
    }
  }
}
