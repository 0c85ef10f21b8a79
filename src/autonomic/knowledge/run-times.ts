import type { Observations } from "./distribution.ts";

/** Ended tasks of one sort that are remembered: the last ones. */
const kept = 256;
/** Sorts that are remembered: the ones used last. */
const sortsMax = 5000;
/**
 * Runs after which a machine type's own speed counts as much as what it was measured to be, or else that it is like
 * the others.
 */
const speedBelief = 8;
/** A measure is believed to make this much of a difference at most, as a logarithm. */
const measuredMax = Math.log(8);

/** What is known of run times, as it can be handed to a fork on another thread. */
export interface KnownRunTimes {
  /** By sort; what was seen is as on a machine of the usual speed. */
  readonly sorts: ReadonlyMap<string, Observations>;
  /** By machine type: how much longer a task takes there. 1 for types that are not in here. */
  readonly slowness: ReadonlyMap<string, number>;
}

/** How long tasks take, by sort of task and type of machine: a fold over tasks that ended. */
export class RunTimeKnowledge {
  #sorts = new Map<string, Sort>();
  #types = new Map<string, Speed>();
  /** Of all types together: they are slow or fast only against each other. */
  #all: Speed = { runs: 0, logSum: 0 };
  #measures = new Measures();

  /** A task ended well after `wallMs` on a machine of that type. `sorts` as by `sortsOf`. */
  ended(sorts: readonly string[], type: string, wallMs: number): void {
    let log = Math.log(Math.max(wallMs, 0.05));
    const speed = this.#types.get(type) ?? this.#addType(type);
    // the narrowest sort of which enough is known says what was to be expected
    const like = this.#like(sorts);
    if (like) {
      for (const one of [speed, this.#all]) {
        one.runs++;
        one.logSum += log - like.meanLog;
      }
    }
    log -= this.#logSlowness(speed, this.#measures.of(type));
    for (const name of sorts) this.#sort(name).add(log);
  }

  /** What is known of these sorts; with `runningMs` for how long those have run that have not ended. */
  known(
    sorts: Iterable<string>,
    runningMs: ReadonlyMap<string, readonly number[]> = new Map(),
  ): KnownRunTimes {
    const known = new Map<string, Observations>();
    for (const name of sorts) {
      const sort = this.#sorts.get(name);
      const running = runningMs.get(name);
      if (sort || running)
        known.set(name, { endedMs: sort?.values() ?? [], runningMs: running ?? [] });
    }
    return { sorts: known, slowness: this.slowness() };
  }

  /** What endedOf one sort, as on a machine of the usual speed, and how many tasks that were in all. */
  endedOf(sort: string): { endedMs: number[]; count: number } {
    const found = this.#sorts.get(sort);
    return { endedMs: found?.values() ?? [], count: found?.count ?? 0 };
  }

  /** How fast a machine of a type was measured to be; undefined for one that is gone, or was not. */
  measured(machine: string, type: string, roundsPerSecond: number | undefined): void {
    this.#measures.set(machine, type, roundsPerSecond);
  }

  slowness(): Map<string, number> {
    const types = new Set([...this.#types.keys(), ...this.#measures.types()]);
    return new Map(
      [...types].map((type) => {
        const speed = this.#types.get(type) ?? { runs: 0, logSum: 0 };
        return [type, Math.exp(this.#logSlowness(speed, this.#measures.of(type)))];
      }),
    );
  }

  /** How much longer tasks take on machines of a type, or of those whose names begin so; 1 where that is not known. */
  slownessOf(type: string): number {
    const speeds = [...this.#types].filter(([name]) => name.startsWith(type));
    const runs = speeds.reduce((sum, [, speed]) => sum + speed.runs, 0);
    const logSum = speeds.reduce((sum, [, speed]) => sum + speed.logSum, 0);
    return Math.exp(this.#logSlowness({ runs, logSum }, this.#measures.ofAll(type)));
  }

  /** As far as runs do not tell, a machine is as slow as it was measured to be. */
  #logSlowness({ runs, logSum }: Speed, measured: number): number {
    const { runs: allRuns, logSum: allSum } = this.#all;
    const mean = allRuns > 0 ? allSum / allRuns : 0;
    return (speedBelief * measured + logSum - runs * mean) / (runs + speedBelief);
  }

  #like(sorts: readonly string[]): Sort | undefined {
    for (const name of sorts) {
      const sort = this.#sorts.get(name);
      if (name !== "all" && sort && sort.count >= 8) return sort;
    }
    return undefined;
  }

  #addType(type: string): Speed {
    const added = { runs: 0, logSum: 0 };
    this.#types.set(type, added);
    return added;
  }

  #sort(name: string): Sort {
    let sort = this.#sorts.get(name);
    if (sort) return sort;
    this.#sorts.set(name, (sort = new Sort()));
    if (this.#sorts.size > sortsMax) {
      const [oldest] = this.#sorts.keys();
      this.#sorts.delete(oldest === "all" ? [...this.#sorts.keys()][1]! : oldest!);
    }
    return sort;
  }
}

/** What machines were measured to be, each type against the mean of all machines, in natural logarithms. */
class Measures {
  #machines = new Map<string, { type: string; log: number }>();
  #types = new Map<string, { machines: number; logSum: number }>();
  #all = { machines: 0, logSum: 0 };

  set(machine: string, type: string, roundsPerSecond: number | undefined): void {
    const before = this.#machines.get(machine);
    if (before) this.#add(before, -1);
    this.#machines.delete(machine);
    if (roundsPerSecond === undefined) return;
    const measured = { type, log: -Math.log(Math.max(roundsPerSecond, 1)) };
    this.#machines.set(machine, measured);
    this.#add(measured, 1);
  }

  types(): Iterable<string> {
    return this.#types.keys();
  }

  of(type: string): number {
    const found = this.#types.get(type);
    return found ? this.#against(found) : 0;
  }

  /** Of all types whose names begin so. */
  ofAll(type: string): number {
    const sum = { machines: 0, logSum: 0 };
    for (const [name, { machines, logSum }] of this.#types) {
      if (!name.startsWith(type)) continue;
      sum.machines += machines;
      sum.logSum += logSum;
    }
    return sum.machines > 0 ? this.#against(sum) : 0;
  }

  #against({ machines, logSum }: { machines: number; logSum: number }): number {
    const log = logSum / machines - this.#all.logSum / this.#all.machines;
    return Math.max(-measuredMax, Math.min(measuredMax, log));
  }

  #add({ type, log }: { type: string; log: number }, sign: 1 | -1): void {
    const of = this.#types.get(type) ?? { machines: 0, logSum: 0 };
    this.#types.set(type, of);
    for (const sum of [of, this.#all]) {
      sum.machines += sign;
      sum.logSum += sign * log;
    }
    if (of.machines === 0) this.#types.delete(type);
  }
}

/** Runs on machines of one type, and by how much longer they took than expected, in natural logarithms. */
interface Speed {
  runs: number;
  logSum: number;
}

/** The last run times of one sort, in the order they ended. */
class Sort {
  count = 0;
  meanLog = 0;
  #logs: number[] = [];

  add(log: number): void {
    const at = this.count++ % kept;
    const before = this.#logs[at];
    this.#logs[at] = log;
    if (before === undefined) this.meanLog += (log - this.meanLog) / this.#logs.length;
    else this.meanLog += (log - before) / kept;
  }

  values(): number[] {
    return this.#logs.map((log) => Math.exp(log));
  }
}
