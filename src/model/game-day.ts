import type { ChaosPolicy } from "./policy.ts";
import type { RecordOf } from "./record.ts";
import type { TaskClaim } from "./wire.ts";

/**
 * What may be hit. A "task": its process is killed where it runs. An "agent": it ends as by kill -9,
 * and whoever watches over it starts it again. A "machine": it is cut off and silent for longer than a
 * lease, then comes back.
 */
export const chaosTargets = ["task", "agent", "machine"] as const;
export type ChaosTarget = (typeof chaosTargets)[number];

/** What an agent is told to suffer. */
export type Fault =
  | { kind: "task"; hit: string; task: TaskClaim }
  | { kind: "agent"; hit: string }
  | { kind: "machine"; hit: string; awayMs: number };

/** One run of failure injection, within the policy of its project. Named "default/g…"; its hits are parts of it. */
export type GameDayRecord = RecordOf<"game-day", GameDaySpec, GameDayStatus>;

export interface GameDaySpec {
  readonly startedBy: string;
  readonly startedAt: number;
  readonly forMs: number;
  /** Between two hits, on average. */
  readonly everyMs: number;
  readonly targets: readonly ChaosTarget[];
  /** Every choice follows from it, from the number of the hit and from what there is to be hit. */
  readonly seed: number;
  /** Says what it would hit, and hits nothing. */
  readonly dryRun: boolean;
  /** The policy as it was at the start. One that has become stricter since holds at once. */
  readonly policy: ChaosPolicy;
}

/** "running" hits; "healing" hits no more and waits for what it hit; "ended" is all healed, or was given up. */
export interface GameDayStatus {
  readonly phase: "running" | "healing" | "ended";
  /** Hits so far; they are numbered from 0. */
  readonly hits: number;
  /** When the next one is due. */
  readonly nextAt: number;
  readonly endedAt?: number;
  /** Why it stopped hitting. */
  readonly reason?: string;
  /** It stopped by itself, as something was not as it should be. */
  readonly isAlarm?: boolean;
  /** How often a hit that was due had to wait, and why the last time. */
  readonly refusals: number;
  readonly refusal?: string;
  /** The control plane was at work then; looked at again after a start. */
  readonly seenAt: number;
  /** Starts of the control plane meanwhile, and for how long none was seen at most. */
  readonly restarts: number;
  readonly downMs: number;
}

/** One hit: the decision (what, why, and who is struck with it), and what became of it. */
export type HitRecord = RecordOf<"hit", HitSpec, HitStatus>;

export interface HitSpec {
  readonly target: ChaosTarget;
  /** A task's name, or a machine's. */
  readonly subject: string;
  readonly machine: string;
  readonly at: number;
  /** Why this one, and within which bounds, as a sentence. */
  readonly why: string;
  /** Tasks that are under way there; at most limits.hitVictimsMax of them are looked after. */
  readonly victims: readonly Victim[];
  readonly victimCount: number;
  readonly awayMs?: number;
}

/** A task that was under way where it was hit. */
export interface Victim {
  readonly task: string;
  readonly fence: number;
  /** When the attempt was handed out. */
  readonly since: number;
  readonly milliCpus: number;
}

/**
 * "open": not healed yet. "missed": it never came to pass, as the task had ended before or the machine
 * had gone by itself. "given-up": the game day ended before it had healed. "dry": only said.
 */
export interface HitStatus {
  readonly phase: "open" | "healed" | "missed" | "given-up" | "dry";
  /** When Canopy noticed, and what did. */
  readonly noticedAt?: number;
  readonly noticedBy?: Noticer;
  /** When the attempts there were first taken to be over, and by what: their tasks may run elsewhere from then on. */
  readonly releasedAt?: number;
  readonly releasedBy?: Noticer;
  /** When every task that it struck was under way again or had ended, and its machine was back. */
  readonly healedAt?: number;
  /** When the machine was back. */
  readonly backAt?: number;
  /** Tasks that failed for good because of it. */
  readonly lost: readonly string[];
  /** Attempts that came to nothing, and the CPU time that was set aside for them. */
  readonly attemptsLost: number;
  readonly wastedCpuMs: number;
}

/**
 * Who noticed: the "driver" on the machine saw the process end; the agent's "link" broke off; the "agent"
 * that came back did not hold the task any more; the "lease" ran out; or the control plane had been down
 * itself, and found the machine gone at its "start".
 */
export type Noticer = "driver" | "link" | "agent" | "lease" | "start";

/** A game day's seed is a whole number below this. */
export const seedMax = 2 ** 31;

/** The last part of a game day's name: "g…". */
export function gameDayId(name: string): string {
  return name.slice(name.indexOf("/") + 1).replace(/\/.*/, "");
}
