import type { DataRule } from "./confinement.ts";
import type { ChaosTarget } from "./game-day.ts";
import type { Objective } from "./plan.ts";
import type { RecordOf } from "./record.ts";
import type { DoableSavingRule } from "./saving.ts";
import type { Market } from "./site.ts";

/**
 * What a project lets Canopy do by itself, and how far. There is one of each type in a project, named
 * after both: "default/chaos".
 */
export type PolicyRecord = RecordOf<"policy", ChaosPolicy | AutonomicPolicy, object>;

export type ChaosPolicyRecord = RecordOf<"policy", ChaosPolicy, object>;

/** The bounds of failure injection. Without one, nothing of a project is ever hit. */
export interface ChaosPolicy {
  readonly type: "chaos";
  /**
   * Of the five levels of autonomic computing those that make sense here: by "manual" only people begin
   * game days; by "observe" those of the schedule only say what they would hit; by "act" they hit it.
   */
  readonly autonomy: "manual" | "observe" | "act";
  /** What may be hit at all. */
  readonly targets: readonly ChaosTarget[];
  /** Hits of one game day. */
  readonly hitsMax: number;
  /** Hits that have not healed yet; the next one waits. */
  readonly hitsAtOnceMax: number;
  /** Of the machines that are connected, those that may be hit at once, their agents counted; one is always allowed. */
  readonly machineShareMax: number;
  /** Whether the only healthy machine may be hit. */
  readonly lastMachine: boolean;
  /** Whether a machine may be hit on which tasks of other projects are under way. */
  readonly neighbours: boolean;
  /** Titles or names of jobs, in which "*" stands for anything; all when empty. A machine is hit only when each task on it may be. */
  readonly jobs: readonly string[];
  readonly jobsNever: readonly string[];
  /** Labels that a machine must have, and those that keep it out ("*" is any value). */
  readonly labels: Readonly<Record<string, string>>;
  readonly labelsNever: Readonly<Record<string, string>>;
  /** When it may happen; at any time when absent. */
  readonly hours?: Hours;
  /** The time zone of hours and schedule, as IANA names it. */
  readonly timeZone: string;
  /** The least time between two hits. */
  readonly gapMs: number;
  /** How long a machine that is hit stays away. */
  readonly awayMs: number;
  /** A hit that has not healed by then ends the game day. */
  readonly healMsMax: number;
  readonly schedule?: Schedule;
}

/** Days of the week by ISO 8601: 1 is Monday, 7 is Sunday. */
export interface Hours {
  readonly days: readonly number[];
  /** "HH:MM"; from is in, to is out. One that ends before it begins goes over midnight. */
  readonly from: string;
  readonly to: string;
}

/** Game days that begin by themselves. */
export interface Schedule {
  readonly days: readonly number[];
  /** "HH:MM". */
  readonly at: readonly string[];
  readonly forMs: number;
  readonly everyMs: number;
}

/** A project's policy as that of a type; undefined when there is none. */
export function policyOf<Type extends PolicyRecord["spec"]["type"]>(
  policy: PolicyRecord | undefined,
  type: Type,
): Extract<PolicyRecord["spec"], { type: Type }> | undefined {
  return policy?.spec.type === type
    ? (policy.spec as Extract<PolicyRecord["spec"], { type: Type }>)
    : undefined;
}

export function isChaosPolicy(
  policy: PolicyRecord | undefined,
): policy is ChaosPolicyRecord & PolicyRecord {
  return policy?.spec.type === "chaos";
}

/** The name of a project's chaos policy. */
export function chaosPolicyName(project: string): string {
  return `${project}/chaos`;
}

/**
 * What Canopy may do by itself to keep the deadlines and budgets of a project's jobs, and how far. What is
 * absent is not bounded.
 */
export interface AutonomicPolicy {
  readonly type: "autonomic";
  /** Of jobs that name none of their own. */
  readonly objective?: Objective;
  readonly deadlineMs?: number;
  readonly budgetMicros?: number;
  /** No job may ask for more. */
  readonly deadlineMsMax?: number;
  readonly budgetMicrosMax?: number;
  /** Names of sites: only these, and never these. */
  readonly sites?: readonly string[];
  readonly sitesNever?: readonly string[];
  readonly markets?: readonly Market[];
  /** What a machine that is bought has at least, and how it is labelled. */
  readonly needs?: PolicyNeeds;
  /** CEL over `offer` and `job`: only offers for which it is true. */
  readonly where?: string;
  /** Data that may not leave some sites. */
  readonly data?: readonly DataRule[];
  /** Nothing is bought in these hours. */
  readonly quiet?: Hours;
  /** The time zone of quiet hours, as IANA names it. */
  readonly timeZone: string;
  /** What it does not name is done by itself. */
  readonly autonomy: Readonly<Partial<Record<AutonomicAction, Autonomy>>>;
  /** By rule: how far Canopy may end what costs money and serves nobody. What it does not name is left to people. */
  readonly savings?: Readonly<Partial<Record<DoableSavingRule, Autonomy>>>;
  /** Machines that the project's jobs share. Without it, machines are bought for deadlines alone. */
  readonly fleet?: FleetPolicy;
}

export interface PolicyNeeds {
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Machines bought for what waits, whichever job it is of, and given back when nothing needs them. The project pays. */
export interface FleetPolicy {
  /** No task of a job without a goal of its own is to wait longer for its machine. */
  readonly waitMsMax: number;
  /** So many are there whether something waits or not. */
  readonly machinesMin: number;
  readonly machinesMax: number;
  /** In no hour is more than that billed for them. Not bounded when absent. */
  readonly budgetMicrosPerHour?: number;
  /** One that has run nothing for so long is given back. */
  readonly idleMs: number;
}

export const autonomicActions = ["buy", "release", "shift", "heal"] as const;
/**
 * What is decided once a job's plan is approved, beyond what that plan said: what is bought, released and moved in
 * time; and how tasks that are slow or hang, and machines and jobs that misbehave, are healed.
 */
export type AutonomicAction = (typeof autonomicActions)[number];

export const autonomies = ["manual", "observe", "advise", "approve", "act"] as const;
/**
 * The five levels of autonomic computing (IBM, "An architectural blueprint for autonomic computing", 2005),
 * as far as one decides: "manual" leaves all to people; "observe" writes down that something is needed;
 * "advise" also what should be done; "approve" does it once somebody has approved it; "act" does it.
 */
export type Autonomy = (typeof autonomies)[number];

/** What decisions about a project's shared machines are named after; nothing else has such a name. */
export function fleetName(project: string): string {
  return `fleet:${project}`;
}

/** The name of a project's autonomic policy. */
export function autonomicPolicyName(project: string): string {
  return `${project}/autonomic`;
}
