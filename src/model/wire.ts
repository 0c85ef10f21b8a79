import type { FunctionOrder, FunctionReport } from "./function-wire.ts";
import type { Fault } from "./game-day.ts";
import type {
  HostAbilities,
  HostAnswer,
  HostOrders,
  HostQuestion,
  HostReports,
} from "./hosting.ts";
import type { MachineStatus } from "./machine.ts";
import type { StepSpec } from "./step.ts";
import type { TaskError } from "./task.ts";
import type { TerminalReply, TerminalRequest } from "./terminal.ts";
import type { TaskUsage } from "./usage.ts";

/**
 * What a cloud and an agent say to each other, each message one JSON text on one link that the agent
 * opened. The agent says hello with what it holds, is welcomed, and pulls; work comes in batches
 * under leases; finished work goes back in batches and is acknowledged once it is durable. An agent
 * keeps what it has finished until that acknowledgement, and says it again on a new link.
 */
export type FromAgent =
  | Hello
  /** Asks for up to `max` more tasks. One pull is open at a time: the next one replaces it. */
  | { type: "pull"; max: number }
  /** `number` grows by one with each; acknowledged by number. */
  | { type: "finish"; number: number; reports: TaskReport[] }
  /** Every `heartbeatMs`: renews all that the agent holds. Answered by "heard". */
  | {
      type: "beat";
      cpuShare: number;
      memoryFreeBytes: number;
      running: RunningTask[];
      /** What it draws, where that is measured. */
      watts?: number;
    }
  | { type: "logs"; lines: LogLine[] }
  /** Its provider takes this machine away at that moment (wall clock): it is to get no more tasks. */
  | { type: "ending"; at: number }
  /** Gives up tasks that it holds and has not begun. */
  | { type: "release"; tasks: TaskClaim[] }
  /** Answers a "fault" on a task: whether it was under way here, and so was hit. */
  | { type: "struck"; hit: string; wasThere: boolean }
  /** Answers "fetch": the segment in base64, or none when it is gone. */
  | { type: "segment"; request: number; content: string | undefined }
  /** It has found out what it can do for instances. */
  | { type: "hosting"; abilities: HostAbilities }
  /** What has changed of its instances, volumes and snapshots. */
  | { type: "host"; reports: HostReports }
  /** Answers "question". */
  | { type: "answer"; request: number; answer: HostAnswer }
  /** Of a terminal that the cloud has opened. */
  | { type: "terminal"; terminal: number; reply: TerminalReply }
  /** Of an execution environment of a function. */
  | { type: "function"; report: FunctionReport };

export interface Hello {
  type: "hello";
  status: MachineStatus;
  holds: TaskClaim[];
}

export type FromCloud =
  | Welcome
  /** `steps` describes steps that this link has not heard of. */
  | { type: "tasks"; steps: Record<string, StepBrief>; tasks: TaskOffer[] }
  | { type: "finished"; number: number }
  /** Answers a beat: a link on which an agent hears nothing is dead, whatever its socket says. */
  | {
      type: "heard";
      /** It is not certain at this moment that no other control plane leads: leases do not count from here. */
      isSure?: false;
    }
  /** There are more control planes than were told at the welcome: all of them by their URLs. */
  | { type: "planes"; controlPlanes: string[] }
  /** End these: cancelled, or no longer leased to this agent (its report would be refused). */
  | { type: "cancel"; tasks: TaskClaim[] }
  /** These jobs have ended: what is kept for them (shuffle, folders) may go. */
  | { type: "forget"; jobs: string[] }
  /** A game day hits this machine, or a task on it. An agent takes faults from its cloud alone. */
  | { type: "fault"; fault: Fault }
  /**
   * Another agent cannot reach this one: send that part of a segment of the shuffle by this link. Parts
   * of limits.relayPartBytes are numbered from 0 after the segment's name: "job/step/index/partition/0".
   */
  | { type: "fetch"; request: number; segment: string }
  /** What its instances, volumes and networks are to be. */
  | { type: "host"; orders: HostOrders }
  /** What only it knows. */
  | { type: "question"; request: number; question: HostQuestion }
  /** Somebody is at a terminal of one of its instances. Numbers are never used twice on one link. */
  | { type: "terminal"; terminal: number; request: TerminalRequest }
  /** An execution environment of a function is to begin, to take a call or to end. */
  | { type: "function"; order: FunctionOrder }
  /** Refused for good: the reason is for the operator. */
  | { type: "refused"; reason: string };

export interface Welcome {
  type: "welcome";
  machine: string;
  leaseMs: number;
  heartbeatMs: number;
  /** Every control plane of this cloud by its URL: when one is gone, an agent dials another. */
  controlPlanes: string[];
}

/** A claim on a task: its name, and the fencing number of the lease. */
export type TaskClaim = [task: string, fence: number];

/** What an agent has to know of a step to run its tasks. */
export interface StepBrief {
  spec: StepSpec;
  project: string;
  /** For a "job" role: what the code inside uses to call back. */
  jobKey?: string;
}

export interface TaskOffer {
  task: string;
  fence: number;
  /** JSON text. */
  input: string;
  inputBlob?: string;
  /** Counted from 1. */
  attempt: number;
  /** For a reduce task: where the segments of its partition are. */
  segments?: SegmentSource[];
  /** Files that come from tasks before, resolved to blobs, by path. */
  files?: Record<string, string>;
  gang?: GangOffer;
}

/** For a task of a gang: who the others are. Its rank is its index. */
export interface GangOffer {
  /** By rank, equal neighbours as one: where so many of them run, by the name or address under which other machines reach it; "" for those that do not run at this moment. */
  hosts: [host: string, count: number][];
  /** The first of as many TCP ports as there are tasks, which this gang may use to meet. */
  port: number;
}

/** Segments of one partition on one machine: "job/step/index/partition" each. */
export interface SegmentSource {
  machine: string;
  peerUrl?: string;
  segments: string[];
}

export interface RunningTask {
  task: string;
  fence: number;
  /** How long it has been running. */
  sinceMs: number;
}

export interface TaskReport {
  task: string;
  fence: number;
  usage: TaskUsage;
  /** Absent when it succeeded. */
  error?: TaskError;
  /** JSON text. */
  result?: string;
  resultBlob?: string;
  outputs?: Record<string, string>;
  /** For a map task: bytes of each partition that this machine now keeps. */
  shuffleBytes?: number[];
  exitCode?: number;
}

export interface LogLine {
  task: string;
  /** Wall clock of the machine. */
  at: number;
  stream: "stdout" | "stderr" | "canopy";
  text: string;
}

/** What an agent asks for at the door before it has a key: POST /v1/machines/join. */
export interface JoinRequest {
  token: string;
  /** A name it would like; made unique by the cloud. */
  hostname: string;
  labels: Record<string, string>;
}

export interface JoinAnswer {
  machine: string;
  key: string;
}
