import type { Chance } from "#/base/chance.ts";

/** What a task does, written into its input. */
export interface Fate {
  /** Makes inputs differ. */
  id: string;
  ms: number;
  /** The first attempts that fail. */
  fails: number;
  /** The first attempts that never end by themselves. */
  hangs: number;
}

/** An attempt is ended after this, whatever it does. */
export const timeoutMs = 60_000;

/** What it may take with all that goes wrong in it, on a machine of its own. */
export function longestMs({ ms, fails, hangs }: Fate): number {
  return ms * (1 + fails) + hangs * timeoutMs;
}

/** How much of what kind of work a run has. */
export interface Mix {
  tasksMax: number;
  taskMs: [from: number, to: number];
  fails: number;
  hangs: number;
  pauseMs: [from: number, to: number];
}

export function mixOf(chance: Chance): Mix {
  const longMs = chance.pick([50, 500, 5_000, 30_000]);
  return {
    tasksMax: chance.pick([3, 8, 30]),
    taskMs: [1, longMs],
    fails: chance.pick([0, 0.05, 0.2]),
    hangs: chance.pick([0, 0, 0.03]),
    pauseMs: [200, chance.pick([10_000, 60_000, 240_000])],
  };
}

/** The input of a task. `more` failures than its retries allow make it fail for good. */
export function fateOf(chance: Chance, mix: Mix, retries: number, dooms: boolean): Fate {
  const [from, to] = mix.taskMs;
  return {
    id: String(chance.next()),
    ms: Math.round(chance.spread(from, to)),
    fails: dooms ? retries + 1 : chance.happens(mix.fails) ? chance.between(1, retries) : 0,
    hangs: !dooms && chance.happens(mix.hangs) ? 1 : 0,
  };
}
