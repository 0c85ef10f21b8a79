import { limits } from "#/base/limits.ts";

/** A step's tasks, as they were seen to come. */
interface Arrived {
  readonly atMs: number;
  /** Tasks that had come by then. */
  readonly upTo: number;
}

/**
 * For how long the tasks of steps have waited, as no record says when a task came: those of one step are
 * handed out in the order in which they were made, so the ones that wait are its last. After a start
 * they count from then.
 */
export class Ages {
  #steps = new Map<string, Arrived[]>();

  /**
   * `arrived` tasks have come in all, of which `waiting` wait: how long the first of them has, and how many came
   * with it.
   */
  look(
    step: string,
    { arrived, waiting }: { arrived: number; waiting: number },
    nowMs: number,
    longestMs: number,
  ): { ageMs: number; tasks: number } {
    let marks = this.#steps.get(step);
    if (!marks) this.#steps.set(step, (marks = []));
    if (arrived > (marks.at(-1)?.upTo ?? 0)) marks.push({ atMs: nowMs, upTo: arrived });
    const begun = arrived - waiting;
    while (marks.length > 1 && marks[0]!.upTo <= begun) marks.shift();
    const [first] = marks;
    if (!first || waiting === 0) return { ageMs: 0, tasks: 0 };
    const togetherMs = first.atMs + longestMs * limits.fleetTogetherShare;
    const last = marks.findLast(({ atMs }) => atMs <= togetherMs)!;
    return { ageMs: nowMs - first.atMs, tasks: Math.min(waiting, last.upTo - begun) };
  }

  /** Forgets all steps but these. */
  keep(steps: ReadonlySet<string>): void {
    for (const step of this.#steps.keys()) if (!steps.has(step)) this.#steps.delete(step);
  }
}

const samples = 64;

/** What machines were held to of late, one look after the other. */
export class Loads {
  #machines = new Map<string, Load>();

  /**
   * The machines that are there, each with the part of it that is held; what is not among them is forgotten.
   * `keepMs` is the longest window that is asked about.
   */
  look(
    machines: readonly { name: string; part: number; running: number }[],
    nowMs: number,
    keepMs: number,
  ): void {
    const there = new Set<string>();
    for (const { name, part, running } of machines) {
      there.add(name);
      let load = this.#machines.get(name);
      if (!load) this.#machines.set(name, (load = new Load()));
      load.look(part, running, nowMs, keepMs);
    }
    for (const name of this.#machines.keys()) if (!there.has(name)) this.#machines.delete(name);
  }

  /** For how long a machine has run nothing; 0 for one that is not there. */
  idleMs(machine: string, nowMs: number): number {
    return this.#machines.get(machine)?.idleMs(nowMs) ?? 0;
  }

  /** As that of `Load`. */
  average(machine: string, nowMs: number, windowMs: number): number | undefined {
    return this.#machines.get(machine)?.average(nowMs, windowMs);
  }
}

/** What one machine was held to. */
export class Load {
  #idleSinceMs: number | undefined;
  #heldMs = 0;
  #last: { atMs: number; part: number } | undefined;
  /** How much it had been held by each instant; the first is at the begin of the longest window or before it. */
  #marks: { atMs: number; heldMs: number }[] = [];

  look(part: number, running: number, nowMs: number, keepMs: number): void {
    this.#idleSinceMs = running > 0 ? undefined : (this.#idleSinceMs ?? nowMs);
    if (this.#last) this.#heldMs += this.#last.part * (nowMs - this.#last.atMs);
    this.#last = { atMs: nowMs, part };
    const newest = this.#marks.at(-1);
    if (!newest || nowMs - newest.atMs >= keepMs / samples)
      this.#marks.push({ atMs: nowMs, heldMs: this.#heldMs });
    while (this.#marks.length > 1 && this.#marks[1]!.atMs <= nowMs - keepMs) this.#marks.shift();
  }

  idleMs(nowMs: number): number {
    return this.#idleSinceMs === undefined ? 0 : nowMs - this.#idleSinceMs;
  }

  /**
   * The part of it that was held over a window that ends now, from 0 to 1; undefined while it was not watched for
   * all of that.
   */
  average(nowMs: number, windowMs: number): number | undefined {
    const first = this.#marks.findLast(({ atMs }) => atMs <= nowMs - windowMs);
    if (!first) return undefined;
    return Math.min(1, (this.#heldMs - first.heldMs) / Math.max(1, nowMs - first.atMs));
  }
}
