import type { Fault } from "#/model/game-day.ts";
import type { Needs, Capacity } from "#/model/needs.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { TaskUsage, Usage } from "#/model/usage.ts";
import type { RunningTask, StepBrief, TaskClaim, TaskOffer, TaskReport } from "#/model/wire.ts";

/** What the scheduler says to one agent. Called synchronously; must not throw. */
export interface AgentLink {
  /** Tasks under leases. `steps` describes those steps of theirs that this session has not heard of. */
  offer(steps: Record<string, StepBrief>, tasks: TaskOffer[]): void;
  /** End these: they are cancelled, or no longer leased to this agent. */
  cancel(claims: TaskClaim[]): void;
  /** These jobs have ended: what is kept for them may go. */
  forget(jobs: string[]): void;
  /** A game day hits it. */
  fault(fault: Fault): void;
}

/** One agent's link, from hello to its end. */
export interface Session {
  readonly machine: string;
  /**
   * Asks for up to `max` more tasks. Answered by one offer, at once or when there is work; one pull
   * is open at a time, and the next one replaces it. 0 takes the open pull back.
   */
  pull(max: number): void;
  /** Renews every lease of this machine for `limits.leaseMs`, and tells what it runs. */
  beat(beat: MachineLoad & { running: RunningTask[] }): void;
  /**
   * Records how attempts ended. Resolves when that is durable: only then may it be acknowledged.
   * A report whose lease is over, or is another machine's, changes nothing; the agent is told by a
   * cancel. Waits while the disk is full.
   */
  finish(reports: readonly TaskReport[]): Promise<void>;
  /** Gives tasks back that were not begun; they are ready again, and nothing is charged. */
  release(claims: readonly TaskClaim[]): void;
  /** What came of a fault on a task. */
  struck(hit: string, wasThere: boolean): void;
  /** The link is gone. Leases stay until they run out, or until the machine connects again. */
  close(): void;
}

/** One task under way. */
export interface LeaseView {
  task: string;
  machine: string;
  fence: number;
  /** Wall clock at which it was handed out. */
  since: number;
  /** Counted from 1. */
  attempt: number;
  /** A short one, handed out ahead: it may not have begun. */
  isAhead: boolean;
  /** How long it has run, as far as is known. */
  ranMs: number;
  /** Another attempt of the same task is under way, which began before. */
  isSecond: boolean;
}

/** Tasks of one step that wait for a machine, or for their project's quota. */
export interface WaitingView {
  step: string;
  /** What a quota holds back is counted as well: machines that its project pays for are in none. */
  tasks: number;
}

/** What is known of a machine at this moment, and is in no record. */
export interface MachineView {
  machine: string;
  connected: boolean;
  /** Wall clock at which it was last heard; undefined when not since this cloud started. */
  lastSeenMs: number | undefined;
  load: MachineLoad | undefined;
  /** Tasks leased to it. */
  running: number;
  /** How often it has lost what it ran, since this cloud started. */
  losses: number;
  /** What its tasks leave of its capacity; never below 0. */
  free: Capacity;
}

/** What a machine said last of itself. */
export interface MachineLoad {
  cpuShare: number;
  memoryFreeBytes: number;
  /** What it draws, where its agent measures that. */
  watts?: number;
}

/** What happens to machines and hits, for who has to notice at once. Called synchronously; must not throw. */
export interface Happenings {
  linked(machine: string): void;
  unlinked(machine: string): void;
  struck(hit: string, wasThere: boolean): void;
}

/** What an attempt cost, from what it used and where: made by `meter/meter.ts`. */
export type Meter = (usage: TaskUsage, needs: Needs, machine: MachineRecord) => Usage;
