import type { Placement } from "#/model/placement.ts";

/** What the CLI starts but is not part of it: handed in by `main.ts`. */
export interface Programs {
  /** Canopy's own, as its package says. */
  version: string;
  config: ProgramConfig;
  /** Starts a cloud in this process. */
  up(options: UpWish): Promise<StartedCloud>;
  /** Makes of a backup what a cloud can start from. */
  restore(file: string, to: RestoreWish): Promise<RestoredCloud>;
  /** Looks at what a cloud starts from, and mends what can safely be mended when told to. */
  doctor(options: DoctorWish): Promise<DoctorFinding[]>;
  /** Runs this computer's agent in this process. */
  agent(options: AgentWish): Promise<StartedAgent>;
}

/** What the environment says. */
export interface ProgramConfig {
  dataFolder: string;
  host: string;
  port: number;
  joinToken: string | undefined;
  /** Of a shared log: it may hold a password, which a command line shows to everyone. */
  logUrl: string | undefined;
  logLevel: string;
}

/** What `canopy up` may be told. */
export interface UpWish {
  dataFolder: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Whether this computer is the first machine. */
  withAgent: boolean;
  /** "normal" survives kill -9 but not a power cut: for measuring only. */
  durability: "full" | "normal";
  /** Which of several machines that ask for work are served first. */
  placement?: Placement;
  /** The address of a log that several control planes share; its own, in the data folder, when absent. */
  log: string | undefined;
  logLevel: string;
}

/** A cloud that runs in this process. */
export interface StartedCloud {
  /** Where this computer reaches it. */
  url: string;
  /** The root key. */
  key: string;
  dataFolder: string;
  /** The line that joins another computer, with a one-time token. */
  joinLine: string;
  /** Whether other computers can reach it. */
  isReachable: boolean;
  /** Milliseconds from the start of the process to ready, the first machine included. */
  readyMs: number;
  /** Stops the agent that it started, and itself; waits for what is not yet on disk. */
  stop(): Promise<void>;
}

/** Where a backup is put back: a folder, or a log that control planes share. */
export type RestoreWish = { dataFolder: string } | { log: string };

export interface RestoredCloud {
  /** The folder, or the address without its password. */
  place: string;
  live: number;
  archived: number;
  objects: number;
  takenAt: string;
  /** Whether the root token is that of the cloud that the backup was taken of; else a new one is made. */
  hasSecrets: boolean;
}

/** What `canopy doctor` may be told: as `canopy up`. */
export interface DoctorWish {
  dataFolder: string;
  log: string | undefined;
  repair: boolean;
}

export interface DoctorFinding {
  /** What was looked at. */
  check: string;
  /** "unknown": it could not be looked at. "repaired": it was a fault. */
  state: "good" | "warning" | "fault" | "repaired" | "unknown";
  detail: string;
  /** What can be done about it. */
  remedy?: string;
}

export interface AgentWish {
  /** Where it keeps its key and its caches. */
  folder: string;
  /** The cloud's control planes. */
  urls: string[];
  /** Needed once, to join. */
  token?: string;
  /** How long it goes on trying to join while the cloud does not answer. */
  joinPatienceMs?: number;
  labels: Record<string, string>;
  cpus?: number;
  memoryBytes?: number;
  logLevel: string;
  /** Something starts this program again when it dies. */
  isSupervised: boolean;
}

export interface StartedAgent {
  machine: string;
  /** Resolves with the reason when the cloud has refused it for good. */
  refused: Promise<string>;
  stop(): Promise<void>;
}
