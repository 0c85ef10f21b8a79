import type { Goal, PlannedGang } from "#/model/plan.ts";
import { hourMs } from "#/model/units.ts";

/**
 * The question that `planMix` answers: how many machines of which type, to have some work done by a
 * deadline. Times are in milliseconds from now, money in millionths of one currency.
 */
export interface MixProblem {
  /** Kinds of tasks that are left. Tasks of one kind take about as long as each other. */
  work: readonly TaskKind[];
  /** Of tasks that must wait for each other, the longest chain: nothing makes it shorter. */
  chainMs: number;
  /** The tasks by step, where steps wait for each other; absent where none does, or they are too many to look at each. */
  steps?: readonly MixStep[];
  /** Machine types: those that are there already, and those that a site offers. */
  types: readonly MachineType[];
  goal: Goal;
}

/** Tasks of one kind that may begin once the steps before them have ended. */
export interface MixStep {
  /** The number of its kind in `work`. */
  kind: number;
  /** At least one. */
  tasks: number;
  /** Numbers of the steps that it waits for. */
  after: readonly number[];
  /** Of the run time of a task, the part that is left. Default 1. */
  share?: number;
  /** As the job calls it. */
  name: string;
  /** Its place in an order that was planned; without one, those that others wait for longest go first. */
  place?: number;
}

export interface TaskKind {
  name: string;
  tasks: number;
  /** What is believed of one task's run time. */
  runTime: RunTimeBelief;
  /** Where they run many at once or not at all. */
  gang?: PlannedGang;
}

/** What is believed of the run time of tasks of one kind, in milliseconds. */
export interface RunTimeBelief {
  /** The mean is as likely to be above it as below. */
  meanMs: number;
  /** The mean is below it nine times in ten: few observations keep it far from `meanMs`. */
  meanHighMs: number;
  /** In ninety-nine of a hundred jobs no task that begins last takes longer than this. */
  longMs: number;
}

export interface MachineType {
  name: string;
  /** Tasks of each kind that one such machine runs at once, in the order of `work`; 0 where it cannot run any. */
  slots: readonly number[];
  /** How many there can be. */
  countMax: number;
  /** There already, and used whatever is planned: all of `countMax`. */
  isPresent: boolean;
  /** From asking for one until it takes its first task; what is exceeded once in ten times. */
  bootMs: number;
  /** 1 for a usual machine that stays; half for one that needs twice the time, or loses half of what it does. */
  speed: number;
  /**
   * Until what a task takes from others has been brought there, for each kind in the order of `work`, where they run
   * at several sites; at once when absent.
   */
  moveMs?: readonly number[];
  /** Machines of one site have what others of it left. */
  site?: string;
  price: MachinePrice;
  power: MachinePower | undefined;
}

export interface MachinePrice {
  microsPerHour: number;
  /** What is begun of this is paid in full. */
  granularityMs: number;
  /** What is paid at least. */
  minimumMs: number;
  /** For a machine that is there: time that is paid for already. */
  paidMs: number;
}

export interface MachinePower {
  /** Of one machine at full load, with the overhead of its building. */
  watts: number;
  /** Undefined where nobody says how clean the power is. */
  gramsPerKwh: number | undefined;
}

/** Machines of each type, in the order of `types`. */
export type Counts = readonly number[];

/** What one machine costs that is released `forMs` after it was asked for. */
export function billOf(price: MachinePrice, forMs: number): number {
  const { microsPerHour, granularityMs, minimumMs, paidMs } = price;
  const dueMs = Math.max(forMs, minimumMs) - paidMs;
  if (dueMs <= 0) return 0;
  return (Math.ceil(dueMs / granularityMs) * granularityMs * microsPerHour) / hourMs;
}

/** Grams of CO2 of one machine at full load; undefined where its power or its grid is not known. */
export function gramsOf(power: MachinePower | undefined, forMs: number): number | undefined {
  if (power?.gramsPerKwh === undefined) return undefined;
  return (power.watts * power.gramsPerKwh * forMs) / hourMs / 1000;
}
