import type { Needs } from "./needs.ts";
import type { RecordOf } from "./record.ts";
import type { SavingRule } from "./saving.ts";
import type { Market } from "./site.ts";

/**
 * What Canopy means to do for a job, said before anything is spent: named "p…". Nothing of it happens
 * before it is approved; then it is the job's, and the job's goal is kept by doing what it takes.
 */
export type PlanRecord = RecordOf<"plan", PlanSpec, PlanStatus>;

export interface PlanSpec {
  /** The job's. */
  readonly title: string;
  /** The name of the key that asked for it. */
  readonly madeBy: string;
  readonly madeAt: number;
  /** The blob that holds what was asked for, as JSON. */
  readonly request: string;
  /** What was said of work that nobody had seen. */
  readonly told?: { readonly tasks?: number | undefined; readonly taskMs?: number | undefined };
  readonly goal: Goal;
  readonly work: readonly PlannedWork[];
  /** Of tasks that wait for each other, the longest chain. */
  readonly chainMs: number;
  /** Steps by name, in the order in which they are to begin; absent where those go first that others wait for longest. */
  readonly order?: readonly string[];
  readonly considered: readonly Considered[];
  /** The machine that it gives back, where that is all that it does. */
  readonly release?: { readonly machine: string; readonly why: readonly string[] };
  /** What becomes of the machines that the project's jobs share, where it is about those and not about a job. */
  readonly fleet?: PlannedFleet;
  /** What it ends, where that is all that it does. */
  readonly saving?: PlannedSaving;
  /** Sites that are unhealthy, and so were not asked. */
  readonly leftOut?: readonly LeftOut[];
  readonly predicted: PlanPrediction;
  /** When it is to run, where it waits for cleaner power. */
  readonly shift?: PlannedShift;
  /** No mix of what was considered that keeps the deadline does better: in the unit of the objective. */
  readonly bound: number;
  /** What the planner was asked (`Asked`), so that it can be asked again with another number. */
  readonly asked?: object;
}

export const objectives = ["cost", "time", "carbon"] as const;
/** What is made small where deadline and budget leave a choice: one thing, or all of them by what they are worth. */
export type Objective = (typeof objectives)[number] | Weights;

/** Millionths of the currency, added to the cost: what an hour earlier, and a kilogram of CO2 less, are worth. */
export interface Weights {
  readonly microsPerHour: number;
  readonly microsPerKilogram: number;
}

/** What a job must keep. */
export interface Goal {
  /** From the approval of its plan. */
  readonly deadlineMs?: number;
  /** Millionths of the currency, for all that it uses: machines bought for it, and its share of others. */
  readonly budgetMicros?: number;
  readonly objective: Objective;
}

/** Tasks of one kind, and what is believed of their run times. */
export interface PlannedWork {
  readonly kind: string;
  readonly tasks: number;
  readonly meanMs: number;
  /** The mean is below it nine times in ten. */
  readonly meanHighMs: number;
  /** What is kept for tasks that begin last. */
  readonly longMs: number;
  /** Where that is from: so many finished tasks, or the word of who asked. */
  readonly seen: number | "told";
  /** What each needs of a machine. */
  readonly needs: Needs;
  readonly driver: string;
  /** Where they run many at once or not at all. */
  readonly gang?: PlannedGang;
  /** What a task takes of files that tasks before it made, in bytes; nothing where absent. */
  readonly takesBytes?: number;
  /** The share of attempts that is expected to fail and to be tried again; none where absent. */
  readonly retried?: number;
}

/** Tasks that begin together: those of one gang need so many places at one moment. */
export interface PlannedGang {
  readonly atOnce: number;
  /** All tasks of a gang run from its beginning until the last of them has ended; else others join as they fit, and each ends by itself. */
  readonly isWhole: boolean;
}

/** Machines of one type that were looked at: those that are there, as one site "here", and each offer. */
export interface Considered {
  readonly site: string;
  readonly offer: string;
  readonly market: Market;
  readonly zone: string;
  readonly isPresent: boolean;
  readonly countMax: number;
  /** Tasks of the first kind that one runs at once. */
  readonly slots: number;
  readonly microsPerHour: number | undefined;
  readonly watts: number | undefined;
  /** Of its power, in the mean until the plan is done; absent where nobody knows it. */
  readonly gramsPerKwh?: number;
  readonly bootMs: number | undefined;
  /** How many the plan takes. */
  readonly count: number;
  /** Why it takes none. */
  readonly whyNot?: string;
}

/** A change of a project's shared machines: what is bought is among what was considered. */
export interface PlannedFleet {
  readonly why: readonly string[];
  /** Machines that it does without: they are given back when what runs there has ended. */
  readonly gives: readonly PlannedRelease[];
}

/** Something that costs money and serves nobody. */
export interface PlannedSaving {
  readonly subject: string;
  readonly rule: SavingRule;
  readonly why: readonly string[];
  readonly microsPerMonth: number;
}

export interface PlannedRelease {
  readonly machine: string;
  readonly order: string;
  readonly why: readonly string[];
}

/** A site with which nothing is planned, and why in its provider's words. */
export interface LeftOut {
  readonly site: string;
  readonly reason: string;
}

/** "likely": as often less as more. "high": exceeded about once in ten times. */
export interface Band {
  readonly likely: number;
  readonly high: number;
}

export interface PlanPrediction {
  readonly finishMs: Band;
  /** Undefined where a machine that it uses has no known price. */
  readonly costMicros: Band | undefined;
  readonly joules: Band | undefined;
  readonly grams: Band | undefined;
}

/** What waiting for cleaner power is planned to come to. What is predicted is with it. */
export interface PlannedShift {
  /** Wall clock at which it begins, when the plan is approved at once. */
  readonly until: number;
  /** What its machines need from when it begins, without pauses. */
  readonly workMs: Band;
  /** How much less CO2 than at once, by the forecast: 0.31 is 31 %. */
  readonly savingShare: number;
  readonly gramsAtOnce: Band;
  readonly gramsPerKwhNow: number;
  readonly gramsPerKwhThen: number;
  /** It is done in one piece once it has begun. */
  readonly isWhole: boolean;
  readonly why: readonly string[];
  readonly flip: string;
}

export interface PlanStatus {
  readonly phase: "proposed" | "approved" | "declined";
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  /** The job that it became. */
  readonly job?: string;
}
