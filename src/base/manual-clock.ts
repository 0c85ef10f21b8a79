import type { Clock } from "./clock.ts";
import { reactions } from "./reactions.ts";

/** A clock that stands still until it is told to go on. For tests and simulations. */
export class ManualClock implements Clock {
  #nowMs: number;
  #setByMs = 0;
  #order = 0;
  #timers: { atMs: number; order: number; action: () => void }[] = [];

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs + this.#setByMs;
  }

  /** Sets the wall clock, as a person or NTP would: time itself goes on. */
  setWall(nowMs: number): void {
    this.#setByMs = nowMs - this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, action };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  soon(action: () => void): void {
    this.after(0, action);
  }

  /** Lets `durationMs` pass, running what falls due in order, and promises' reactions after each. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      await reactions();
      const due = this.#timers
        .filter((timer) => timer.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = due.atMs;
      due.action();
    }
    this.#nowMs = untilMs;
  }
}
