import type { Timer } from "#/base/clock.ts";
import { Violation } from "../check/violation.ts";
import { Chance } from "#/base/chance.ts";
import { Heap } from "#/base/heap.ts";
import type { Life } from "./life.ts";
import { Trace } from "./trace.ts";

interface Happening extends Timer {
  atMs: number;
  order: number;
  /** Whose it is: it does not happen once that life is over, and waits while it is paused. */
  life: Life | undefined;
  what: string;
  action: (() => void) | undefined;
}

/** Events run with one look at Node's own loop between so many. */
const batchEvents = 64;

/** In one simulated second; thousands are usual. More is a part that wakes itself without rest. */
const eventsPerSecondMax = 20_000;

/**
 * One heap of events for all machines, one seed for all chance. Between two events every promise that
 * can go on has gone on: each runs as an immediate of Node's, which empties the queue of microtasks
 * after it. Nothing in a simulation waits for anything else of Node's.
 */
export class World {
  nowMs = 0;
  events = 0;
  /** Nothing may happen after this: what the run waits for has had its time. */
  deadlineMs = Infinity;
  readonly seed: number;
  readonly chance: Chance;
  readonly trace: Trace;
  #heap = new Heap<Happening>();
  #order = 0;
  #streams = 0;
  #onEvents: () => void;
  #second = { atMs: 0, events: 0 };
  #fault: { thrown: unknown } | undefined;

  constructor(seed: number, options: { keepsTrace?: boolean; onEvents?: () => void } = {}) {
    this.seed = seed;
    this.#onEvents = options.onEvents ?? (() => {});
    this.chance = this.stream();
    this.trace = new Trace(options.keepsTrace ?? false);
  }

  /** Chance of its own for one part: another part that asks more often does not change it. */
  stream(): Chance {
    return new Chance(this.seed, ++this.#streams);
  }

  /** Runs `action` in `delayMs` of the world's own time, unless `life` is over by then. */
  after(delayMs: number, life: Life | undefined, what: string, action: () => void): Timer {
    const happening: Happening = {
      atMs: this.nowMs + Math.max(0, delayMs),
      order: this.#order++,
      life,
      what,
      action,
      cancel() {
        happening.action = undefined;
      },
    };
    this.#heap.push(happening);
    return happening;
  }

  /** Never resolves when `life` ends first, as nothing of a dead process goes on. */
  sleep(delayMs: number, life: Life | undefined, what: string): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, life, what, resolve));
  }

  /** Runs events until `isDone`, or none is left. Rejects with what an event threw. */
  async run(isDone: () => boolean): Promise<void> {
    let isOver = false;
    const step = () => {
      if (isOver || this.#fault) return;
      if (isDone()) isOver = true;
      else if (!this.#next()) isOver = true;
    };
    while (!isOver && !this.#fault) {
      this.#onEvents();
      for (let event = 1; event < batchEvents; event++) setImmediate(step);
      await new Promise<void>((resolve) => {
        setImmediate(() => {
          step();
          resolve();
        });
      });
    }
    if (this.#fault) throw this.#fault.thrown;
  }

  /** Ends the run with this. */
  fail(thrown: unknown): void {
    this.#fault ??= { thrown };
  }

  /** False, and the run has failed, when time is up or does not pass. */
  #goesOn({ atMs, what, life }: Happening): boolean {
    if (atMs >= this.#second.atMs + 1000) this.#second = { atMs, events: 0 };
    const isLate = atMs > this.deadlineMs;
    if (!isLate && ++this.#second.events <= eventsPerSecondMax) return true;
    const why = isLate
      ? `still happens after ${Math.round(this.deadlineMs / 1000)} s, when all should be over`
      : `happens without rest: ${eventsPerSecondMax} events were within a second`;
    this.fail(new Violation(`'${what}' of ${life?.name ?? "the world"} ${why}`));
    return false;
  }

  #next(): boolean {
    for (;;) {
      const happening = this.#heap.pop();
      if (!happening) return false;
      const { action, life, what } = happening;
      if (!action || life?.isOver) continue;
      if (life && life.pausedUntilMs > happening.atMs) {
        happening.atMs = life.pausedUntilMs;
        this.#heap.push(happening);
        continue;
      }
      this.nowMs = happening.atMs;
      this.events++;
      if (!this.#goesOn(happening)) return true;
      this.trace.note(this.nowMs, life?.name ?? "world", what);
      try {
        action();
      } catch (thrown) {
        this.fail(thrown);
      }
      return true;
    }
  }
}
