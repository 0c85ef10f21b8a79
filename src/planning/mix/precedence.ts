import { Heap, type Timed } from "#/base/heap.ts";
import type { Counts, MixProblem, MixStep } from "./problem.ts";
import { runMsOn, taskMs, type Side } from "./pace.ts";
import { lateMs } from "./rounds.ts";

/**
 * When all tasks have ended where steps wait for each other: list scheduling by upward rank, as the scheduler
 * hands tasks out, played out in simulated time. Undefined when some task fits no machine.
 *
 * A step that others wait for ends with its longest task, for which something is added on both sides.
 */
export function stepsFinishMs(problem: MixProblem, counts: Counts, side: Side): number | undefined {
  const steps = problem.steps!;
  const run = new Run(problem, counts, side);
  const waitsFor = steps.map(({ after }) => after.length);
  const dependents = dependentsOf(steps);
  const left = steps.map(({ tasks }) => tasks);
  const underWay = steps.map(() => 0);
  const ranks = ranksOf(problem, side, dependents);
  const ready: number[] = [];
  const release = (step: number) => {
    // few are ready at once, and most have a lower rank than those before them
    let at = ready.length;
    while (at > 0 && ranks[ready[at - 1]!]! < ranks[step]!) at--;
    ready.splice(at, 0, step);
  };
  for (const step of steps.keys()) if (waitsFor[step] === 0) release(step);
  let open = steps.length;
  for (;;) {
    for (let at = 0; at < ready.length && !run.isFull;) {
      const step = ready[at]!;
      const placed = run.begin(step, left[step]!, underWay[step]! > 0);
      if (placed === "waits") break;
      left[step]! -= placed;
      underWay[step]! += placed;
      if (left[step] === 0) ready.splice(at, 1);
      else at++;
    }
    const ended = run.next();
    if (ended === "stuck") return undefined;
    if (ended === "boot") continue;
    underWay[ended.step]! -= ended.tasks;
    if (left[ended.step]! > 0 || underWay[ended.step]! > 0) continue;
    if (--open === 0) return Math.ceil(run.nowMs) + (side === "high" ? lateMs(problem) : 0);
    const longestMs = barrierMs(problem, steps[ended.step]!, side);
    if (longestMs > 0 && ended.tasks > 0 && dependents[ended.step]!.length > 0) {
      run.wait(ended.step, longestMs);
      open++;
      continue;
    }
    for (const dependent of dependents[ended.step]!)
      if (--waitsFor[dependent]! === 0) release(dependent);
  }
}

/** How much later than the others the last of a step's tasks ends, on which others wait. */
function barrierMs({ work }: MixProblem, { kind, tasks }: MixStep, side: Side): number {
  if (tasks < 2) return 0;
  const lateMs = work[kind]!.runTime.longMs - taskMs(work[kind]!, "high");
  return Math.max(0, lateMs) / (side === "high" ? 1 : 2);
}

function dependentsOf(steps: readonly MixStep[]): number[][] {
  const found: number[][] = steps.map(() => []);
  for (const [step, { after }] of steps.entries())
    for (const before of after) found[before]!.push(step);
  return found;
}

/** Of each step, its place in an order that was planned, else the longest way from its start to the end of all (H. Topcuoglu et al., IEEE TPDS 13(3), 2002). */
function ranksOf(problem: MixProblem, side: Side, dependents: readonly number[][]): number[] {
  const steps = problem.steps!;
  if (steps.some(({ place }) => place !== undefined))
    return steps.map(({ place = Infinity }) => -place);
  const ranks = steps.map(() => 0);
  const missing = dependents.map(({ length }) => length);
  const open = [...steps.keys()].filter((step) => missing[step] === 0);
  for (let at = 0; at < open.length; at++) {
    const step = open[at]!;
    const { kind, share = 1, after } = steps[step]!;
    ranks[step]! += share * taskMs(problem.work[kind]!, side);
    for (const before of after) {
      ranks[before] = Math.max(ranks[before]!, ranks[step]!);
      if (--missing[before]! === 0) open.push(before);
    }
  }
  return ranks;
}

interface Ending extends Timed {
  /** Tasks that end; with 0 a step that has waited for its last one; undefined where a machine has booted. */
  step: number | undefined;
  tasks: number;
  machine: number;
  share: number;
}

/** Machines, and what runs on them. */
class Run {
  nowMs = 0;
  #problem: MixProblem;
  #side: Side;
  /** Of each machine its type, and the part of it that is free. */
  #types: number[] = [];
  #free: number[] = [];
  /** Of each machine, 1 once it is there. */
  #booted: number[] = [];
  /** Machines with something free, those of the fastest types first. */
  #idle: number[] = [];
  #endings = new Heap<Ending>();
  #order = 0;

  constructor(problem: MixProblem, counts: Counts, side: Side) {
    this.#problem = problem;
    this.#side = side;
    const bySpeed = [...problem.types.keys()].sort(
      (a, b) => problem.types[b]!.speed - problem.types[a]!.speed,
    );
    for (const type of bySpeed) {
      const { bootMs } = problem.types[type]!;
      for (let count = 0; count < counts[type]!; count++) {
        const machine = this.#types.push(type) - 1;
        this.#free.push(bootMs <= 0 ? 1 : 0);
        this.#booted.push(bootMs <= 0 ? 1 : 0);
        if (bootMs <= 0) this.#idle.push(machine);
        else this.#end(bootMs, { step: undefined, tasks: 0, machine, share: 1 });
      }
    }
  }

  get isFull(): boolean {
    return this.#idle.length === 0;
  }

  /**
   * Starts as many of a step's tasks as there is room for, up to so many; gives how many. Of a gang, not before there are
   * places for all that begin at once: it "waits" for those that hold them, and those after it in line do too.
   */
  begin(step: number, tasks: number, isJoining: boolean): number | "waits" {
    const { kind } = this.#problem.steps![step]!;
    const { gang } = this.#problem.work[kind]!;
    if (!gang || (isJoining && !gang.isWhole)) return this.#place(step, tasks);
    const atOnce = Math.min(gang.atOnce, tasks);
    if (this.#places(kind, this.#free) >= atOnce)
      return this.#place(step, gang.isWhole ? atOnce : tasks);
    return this.#places(kind, this.#booted) >= atOnce ? "waits" : 0;
  }

  /** Tasks of a kind that fit at once where so much of each machine is free. */
  #places(kind: number, free: readonly number[]): number {
    return free.reduce((sum, share, machine) => {
      const { slots } = this.#problem.types[this.#types[machine]!]!;
      return sum + Math.floor(share * slots[kind]! + 1e-9);
    }, 0);
  }

  #place(step: number, tasks: number): number {
    const { kind, share: scale = 1 } = this.#problem.steps![step]!;
    const work = this.#problem.work[kind]!;
    const ends: Omit<Ending, keyof Timed>[] = [];
    let longestMs = 0;
    let placed = 0;
    for (let at = 0; at < this.#idle.length && placed < tasks;) {
      const machine = this.#idle[at]!;
      const type = this.#problem.types[this.#types[machine]!]!;
      const { slots } = type;
      const count = Math.min(
        tasks - placed,
        Math.floor(this.#free[machine]! * slots[kind]! + 1e-9),
      );
      if (count > 0) {
        const share = count / slots[kind]!;
        this.#free[machine]! -= share;
        const ms = runMsOn(work, type, kind, this.#side, scale);
        longestMs = Math.max(longestMs, ms);
        const end = { step, tasks: count, machine, share };
        if (work.gang?.isWhole) ends.push(end);
        else this.#end(this.nowMs + ms, end);
        placed += count;
      }
      if (this.#free[machine]! < 1e-9) this.#idle.splice(at, 1);
      else at++;
    }
    // a gang ends as a whole, with its slowest machine
    for (const end of ends) this.#end(this.nowMs + longestMs, end);
    return placed;
  }

  /** A step's end is seen so much later. */
  wait(step: number, ms: number): void {
    this.#end(this.nowMs + ms, { step, tasks: 0, machine: -1, share: 0 });
  }

  #end(atMs: number, what: Omit<Ending, keyof Timed>): void {
    this.#endings.push({ atMs, order: this.#order++, ...what });
  }

  /** Goes on to what happens next. */
  next(): "boot" | "stuck" | { step: number; tasks: number } {
    const ending = this.#endings.pop();
    if (!ending) return "stuck";
    const { atMs, step, tasks, machine, share } = ending;
    this.nowMs = Math.max(this.nowMs, atMs);
    if (step === undefined) this.#booted[machine] = 1;
    if (machine >= 0) this.#giveBack(machine, share);
    return step === undefined ? "boot" : { step, tasks };
  }

  #giveBack(machine: number, share: number): void {
    const wasFull = this.#free[machine]! < 1e-9;
    this.#free[machine]! += share;
    if (!wasFull) return;
    // lower numbers are faster
    let at = this.#idle.length;
    while (at > 0 && this.#idle[at - 1]! > machine) at--;
    this.#idle.splice(at, 0, machine);
  }
}
