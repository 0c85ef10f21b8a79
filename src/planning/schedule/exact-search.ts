import { limits } from "#/base/limits.ts";
import type { Bound } from "./bound.ts";
import { Conflicts } from "./conflicts.ts";
import { Explored } from "./explored.ts";
import type { Network } from "./network.ts";
import { copySchedule, type Schedule } from "./problem.ts";

/** A number holds a set of so many tasks exactly. */
const setSizeMax = 53;

/**
 * Branch and bound for one machine: finds the shortest schedule and proves that it is.
 *
 * Time goes from one end of a task to the next. At each moment every task that is ready and fits is either
 * started or left for later, that with the longest tail first; when all are decided, time moves on. Every
 * schedule without needless waits is met in this way. Three rules leave out most branches:
 * - Bound: what has not started starts now or later and its tail follows, tasks of which no two can run
 *   together take their sum, and all work that is left needs its time of each resource.
 * - Left shift: a task that was left though it fits may start once others have taken its room, and not
 *   before: otherwise it could as well have started.
 * - Explored states (the cutset rule of Demeulemeester, Herroelen: Management Science 38(12), 1992): when
 *   the same tasks had started in a branch seen to its end, and all was at least as early there, nothing
 *   better follows. A state in which a task is held back by the rule before is not kept, as what follows
 *   from it is not all that could.
 */
export class ExactSearch {
  #network: Network;
  #tails: Float64Array;
  #best: Schedule;
  #conflicts: Conflicts;
  #explored = new Explored(limits.planStatesMax);
  /** A schedule is only looked for that is shorter than the best by this. */
  #step: number;
  #starts: Float64Array;
  #ends: Float64Array;
  #isStarted: Uint8Array;
  #isLeft: Uint8Array;
  /** How many of those before each task have not ended. */
  #waits: Int32Array;
  #free: Float64Array;
  /** Of each resource, the work of all that has not started. */
  #work: Float64Array;
  #byTail: Int32Array;
  #running: number[] = [];
  #started = 0;
  /** The started tasks as bits of one number. */
  #startedSet = 0;
  #nodesLeft = 0;
  #isOver: () => boolean = () => false;

  /** True for those problems that this search is made for. */
  static suits({ tasks, machines }: Network): boolean {
    return machines === 1 && tasks <= setSizeMax;
  }

  /** `best` becomes every shorter schedule that is found. */
  constructor(network: Network, { tails, isWhole }: Bound, best: Schedule) {
    const { tasks, resources, capacities, before, needs, durations } = network;
    this.#network = network;
    this.#tails = tails;
    this.#best = best;
    this.#conflicts = new Conflicts(network);
    this.#step = isWhole ? 1 : 1e-9 * best.makespan;
    this.#starts = new Float64Array(tasks);
    this.#ends = new Float64Array(tasks);
    this.#isStarted = new Uint8Array(tasks);
    this.#isLeft = new Uint8Array(tasks);
    this.#waits = new Int32Array(tasks);
    this.#free = capacities.slice();
    this.#work = new Float64Array(resources);
    for (let task = 0; task < tasks; task++) {
      this.#waits[task] = before.first[task + 1]! - before.first[task]!;
      for (let resource = 0; resource < resources; resource++)
        this.#work[resource]! += durations[task]! * needs[task * resources + resource]!;
    }
    const remaining = (task: number) => durations[task]! + tails[task]!;
    this.#byTail = network.order.toSorted((a, b) => remaining(b) - remaining(a));
  }

  /**
   * Looks at so many nodes at most, from the beginning but with what it knows; `isOver` is asked every
   * thousand. True when all has been seen: the best is the shortest.
   */
  run(nodesMax: number, isOver: () => boolean): boolean {
    this.#nodesLeft = nodesMax;
    this.#isOver = isOver;
    this.#visit(this.#network.from[0]!);
    return this.#nodesLeft > 0;
  }

  #visit(now: number): void {
    if (--this.#nodesLeft <= 0) return;
    if (this.#nodesLeft % 1024 === 0 && this.#isOver()) this.#nodesLeft = 0;
    if (this.#started === this.#network.tasks) {
      this.#keep();
      return;
    }
    const task = this.#candidate();
    if (task < 0) {
      this.#moveOn();
      return;
    }
    if (!this.#canStart(task, now)) return; // and less so later
    this.#start(task, now);
    this.#visit(now);
    this.#takeBack(task);
    if (!this.#takesRoom(task)) return;
    this.#isLeft[task] = 1;
    this.#visit(now);
    this.#isLeft[task] = 0;
  }

  /** Of the ready tasks that fit and are not decided, that with the longest way to the end. */
  #candidate(): number {
    for (const task of this.#byTail)
      if (this.#isStarted[task] === 0 && this.#isLeft[task] === 0 && this.#waits[task] === 0)
        if (this.#fits(task)) return task;
    return -1;
  }

  /** Goes to the next end of a task, if something shorter can come of it. */
  #moveOn(): void {
    if (this.#running.length === 0) return;
    const now = this.#nextEnd();
    const released: number[] = [];
    let held = 0;
    for (let task = 0; task < this.#isLeft.length; task++) {
      if (this.#isLeft[task] === 0) continue;
      if (this.#fits(task)) held++;
      else released.push(task);
    }
    for (const task of released) this.#isLeft[task] = 0;
    const before = this.#running;
    const ended = before.filter((task) => this.#ends[task]! <= now);
    this.#running = before.filter((task) => this.#ends[task]! > now);
    for (const task of ended) this.#end(task, 1);
    if (this.#mayImprove(now) && !this.#explored.covers(this.#startedSet, now, this.#ends)) {
      this.#visit(now);
      if (held === 0 && this.#nodesLeft > 0)
        this.#explored.add(this.#startedSet, now, this.#running, this.#ends);
    }
    for (const task of ended) this.#end(task, -1);
    this.#running = before;
    for (const task of released) this.#isLeft[task] = 1;
  }

  #mayImprove(now: number): boolean {
    const { tasks, resources, capacities, needs } = this.#network;
    const time = this.#target + 1e-6 - now;
    for (let task = 0; task < tasks; task++) {
      if (this.#isStarted[task] === 1 || this.#waits[task]! > 0) continue;
      if (!this.#canStart(task, now)) return false;
      if (this.#conflicts.timeFrom(task, this.#isStarted) > time) return false;
    }
    for (let resource = 0; resource < resources; resource++) {
      let work = this.#work[resource]!;
      for (const task of this.#running)
        work += (this.#ends[task]! - now) * needs[task * resources + resource]!;
      if (now + work / capacities[resource]! > this.#target + 1e-6) return false;
    }
    return true;
  }

  get #target(): number {
    return this.#best.makespan - this.#step;
  }

  #canStart(task: number, now: number): boolean {
    return now + this.#network.durations[task]! + this.#tails[task]! <= this.#target + 1e-6;
  }

  #nextEnd(): number {
    let next = Infinity;
    for (const task of this.#running) next = Math.min(next, this.#ends[task]!);
    return next;
  }

  #fits(task: number): boolean {
    const { resources, needs } = this.#network;
    for (let resource = 0; resource < resources; resource++)
      if (needs[task * resources + resource]! > this.#free[resource]!) return false;
    return true;
  }

  #takesRoom(task: number): boolean {
    const { resources, needs, durations } = this.#network;
    if (durations[task] === 0) return false;
    for (let resource = 0; resource < resources; resource++)
      if (needs[task * resources + resource]! > 0) return true;
    return false;
  }

  #start(task: number, now: number): void {
    this.#starts[task] = now;
    this.#ends[task] = now + this.#network.durations[task]!;
    this.#running = [...this.#running, task];
    this.#mark(task, 1);
  }

  #takeBack(task: number): void {
    this.#running = this.#running.slice(0, -1);
    this.#mark(task, -1);
  }

  #mark(task: number, sign: 1 | -1): void {
    const { resources, needs, durations } = this.#network;
    this.#isStarted[task] = sign === 1 ? 1 : 0;
    this.#started += sign;
    this.#startedSet += sign * 2 ** task;
    for (let resource = 0; resource < resources; resource++) {
      const need = needs[task * resources + resource]!;
      this.#free[resource]! -= sign * need;
      this.#work[resource]! -= sign * need * durations[task]!;
    }
  }

  #end(task: number, sign: 1 | -1): void {
    const { resources, needs, after } = this.#network;
    for (let resource = 0; resource < resources; resource++)
      this.#free[resource]! += sign * needs[task * resources + resource]!;
    for (let edge = after.first[task]!; edge < after.first[task + 1]!; edge++)
      this.#waits[after.task[edge]!]! -= sign;
  }

  #keep(): void {
    const makespan = this.#ends.reduce((last, end) => Math.max(last, end), 0);
    if (makespan >= this.#best.makespan) return;
    copySchedule(
      { starts: this.#starts, machines: new Int32Array(this.#starts.length), makespan },
      this.#best,
    );
  }
}
