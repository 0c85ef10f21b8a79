import { limits } from "#/base/limits.ts";
import { Ring } from "./ring.ts";

/** The machine that has most of a task's input, and how much of it. */
export interface Home {
  readonly machine: string;
  readonly bytes: number;
}

/** The machines that are waited for. */
export interface Others {
  /** Another number whenever one of them may have come to take tasks, or none any more. */
  readonly changes: number;
  /** Whether one could still take its own. */
  readonly takes: (machine: string) => boolean;
}

interface AtHome {
  readonly index: number;
  readonly home: Home;
  /** From then on any machine may have it; monotonic. */
  readonly untilMs: number;
}

/**
 * Tasks of a step that could be handed out now. One whose input is on some machine is for that machine at
 * first, and for all others as well once it has waited for as long as moving the input would take: delay
 * scheduling (Zaharia et al., EuroSys 2010), with a wait that never costs more than what it may save.
 * Tasks of one step are equals. What else a machine could run does not wait for them.
 */
export class ReadyTasks {
  #anywhere = new Ring();
  /** By machine, the one that came first at the front. */
  #atHome = new Map<string, AtHome[]>();
  #homed = 0;
  /** Until then all that are waited for would take their own, as long as none of them changes. */
  #awaited: { changes: number; untilMs: number } | undefined;

  get length(): number {
    return this.#anywhere.length + this.#homed;
  }

  push(index: number, home?: Home, nowMs = 0): void {
    if (!home) return this.#anywhere.push(index);
    const waitMs = (home.bytes * 1000) / limits.movedBytesPerSecond;
    const untilMs = nowMs + Math.min(waitMs, limits.homeWaitMsMax);
    const there = this.#atHome.get(home.machine);
    this.#homed++;
    if (there) return void there.push({ index, home, untilMs });
    this.#atHome.set(home.machine, [{ index, home, untilMs }]);
    this.#awaited = undefined;
  }

  /** Whether there is one for that machine. */
  hasFor(machine: string, nowMs: number, others: Others): boolean {
    if (this.#anywhere.length > 0 || this.#atHome.has(machine)) return true;
    return this.#homed > 0 && this.#given(nowMs, others) !== undefined;
  }

  /** The next one for that machine: first what has its input there. */
  next(machine: string, nowMs: number, others: Others): { index: number; home?: Home } | undefined {
    if (this.#homed > 0) {
      if (this.#atHome.has(machine)) return this.#takeFrom(machine);
      const given = this.#given(nowMs, others);
      if (given !== undefined) return this.#takeFrom(given);
    }
    const index = this.#anywhere.shift();
    return index === undefined ? undefined : { index };
  }

  /** The next one for any machine. */
  shift(): number | undefined {
    const [home] = this.#atHome.keys();
    return home === undefined ? this.#anywhere.shift() : this.#takeFrom(home).index;
  }

  /** When the first of those that wait for their machines will do so no longer; Infinity when none does. */
  get untilMs(): number {
    let untilMs = Infinity;
    for (const [first] of this.#atHome.values()) untilMs = Math.min(untilMs, first!.untilMs);
    return untilMs;
  }

  /** Who is waited for, and with what. */
  get awaited(): Home | undefined {
    for (const [first] of this.#atHome.values()) return first!.home;
    return undefined;
  }

  /** A machine whose first task may go to any other. */
  #given(nowMs: number, { changes, takes }: Others): string | undefined {
    if (this.#awaited?.changes === changes && nowMs < this.#awaited.untilMs) return undefined;
    let untilMs = Infinity;
    for (const [machine, [first]] of this.#atHome) {
      if (first!.untilMs <= nowMs || !takes(machine)) return machine;
      untilMs = Math.min(untilMs, first!.untilMs);
    }
    this.#awaited = { changes, untilMs };
    return undefined;
  }

  #takeFrom(machine: string): { index: number; home: Home } {
    const there = this.#atHome.get(machine)!;
    const { index, home } = there.shift()!;
    if (there.length === 0) this.#atHome.delete(machine);
    else if (this.#awaited)
      this.#awaited.untilMs = Math.min(this.#awaited.untilMs, there[0]!.untilMs);
    this.#homed--;
    return { index, home };
  }
}
