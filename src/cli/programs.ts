import type { Host } from "#/base/host.ts";
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
  /** What a backup says of itself, when it is whole but for blobs and objects, which are looked at when they are put back. */
  examineBackup(file: string): Promise<BackupFacts>;
  /** Looks at what a cloud starts from, and mends what can safely be mended when told to. */
  doctor(options: DoctorWish): Promise<DoctorFinding[]>;
  /** Programs and sockets of this computer, to look into files with disks. */
  machine(): Promise<Pick<Host, "processes" | "sockets">>;
  /** Runs this computer's agent in this process. */
  agent(options: AgentWish): Promise<StartedAgent>;
}

/** What the environment says. */
export interface ProgramConfig {
  dataFolder: string;
  host: string;
  port: number;
  awsPort: number | undefined;
  joinToken: string | undefined;
  /** Of a shared log: it may hold a password, which a command line shows to everyone. */
  logUrl: string | undefined;
  /** Where the bytes of large objects are, when not in the data folder. */
  objectsUrl: string | undefined;
  logLevel: string;
}

/** What `canopy up` may be told. */
export interface UpWish {
  dataFolder: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Of the AWS services; 0 takes a free one. The one after `port` when absent, a free one when that is 0. */
  awsPort: number | undefined;
  /** Whether this computer is the first machine. */
  withAgent: boolean;
  /** "normal" survives kill -9 but not a power cut: for measuring only. */
  durability: "full" | "normal";
  /** Which of several machines that ask for work are served first. */
  placement?: Placement;
  /** The address of a log that several control planes share; its own, in the data folder, when absent. */
  log: string | undefined;
  /** "s3://bucket/prefix?endpoint=…": where the bytes of large objects are; in the data folder when absent. */
  objects?: string | undefined;
  logLevel: string;
}

/** A cloud that runs in this process. */
export interface StartedCloud {
  /** Where this computer reaches it. */
  url: string;
  /** Where the AWS services are. */
  awsUrl: string;
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
export type RestoreWish = ({ dataFolder: string } | { log: string }) & { withoutObjects: boolean };

/** Of the objects of buckets in a backup. */
export interface ObjectsFacts {
  /** Versions, and the bytes of all of them and of uploads under way. */
  objects: number;
  bytes: number;
  /** Files of them in the backup, and those that the disk had lost before. */
  files: number;
  missing: number;
  /** The bytes of large ones are in another cluster, and not in the backup. */
  isElsewhere: boolean;
}

export interface BackupFacts {
  takenAt: string;
  blobs: number;
  /** Absent where they are not in it. */
  objects?: ObjectsFacts | undefined;
}

export interface RestoredCloud {
  /** The folder, or the address without its password. */
  place: string;
  live: number;
  archived: number;
  blobs: number;
  /** Absent where none were put back. */
  objects?: ObjectsFacts;
  takenAt: string;
  /** Whether the root token is that of the cloud that the backup was taken of; else a new one is made. */
  hasSecrets: boolean;
}

/** What `canopy doctor` may be told: as `canopy up`. */
export interface DoctorWish {
  dataFolder: string;
  /** Somebody named that folder: else it is where a cloud would be, and need not be there. */
  isNamed: boolean;
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
  /** It is a spot instance, and hears of its end at the metadata service. */
  isSpot?: boolean;
  logLevel: string;
  /** Something starts this program again when it dies. */
  isSupervised: boolean;
  hostsInstances: boolean;
  /** Folders that other machines have too, by name. */
  storages: Record<string, string>;
}

export interface StartedAgent {
  machine: string;
  /** Resolves with the reason when the cloud has refused it for good. */
  refused: Promise<string>;
  stop(): Promise<void>;
}
