import type { InstanceKind } from "./instance-type.ts";
import type { RecordOf } from "./record.ts";

/** A computer that somebody asked for: "i-0123456789abcdef0". */
export type InstanceRecord = RecordOf<"instance", InstanceSpec, InstanceStatus>;

export interface InstanceSpec {
  launchedAt: number;
  /** Those that were asked for by one call: "r-0123456789abcdef0", and its place among them. */
  reservation: string;
  launchIndex: number;
  clientToken?: string;
  /** SHA-256 of what was asked for by that token. */
  launchDigest?: string;
  image: string;
  type: string;
  kind: InstanceKind;
  /** What its owner wants of it. */
  wanted: "running" | "stopped" | "terminated";
  /** It may be stopped so that its memory is kept. */
  mayHibernate?: true;
  /** Its memory is kept on disk while it is stopped. */
  hibernates?: true;
  /** Grows with each reboot that was asked for. */
  reboots: number;
  /** The title of a key pair. */
  keyName?: string;
  /** Base64, as it came. */
  userData?: string;
  /** Of an instance profile: whose role it has. */
  profile?: string;
  network: InstanceNetwork;
  metadata: MetadataOptions;
  placement: InstancePlacement;
  market?: InstanceMarket;
  onShutdown: "stop" | "terminate";
  isTerminationProtected: boolean;
  isStopProtected: boolean;
  /** When its machine dies it is started again elsewhere, from its volumes. */
  isRecovered: boolean;
  tags: Readonly<Record<string, string>>;
}

export interface InstanceNetwork {
  /** "eni-0123456789abcdef0". */
  interface: string;
  vpc: string;
  subnet: string;
  privateIp: string;
  mac: string;
  groups: readonly string[];
  hasPublicAddress: boolean;
  /** By port of the instance: the port of its machine that leads there, and that no other instance there may have. TCP. */
  published?: Readonly<Record<string, number>>;
}

export interface MetadataOptions {
  isEnabled: boolean;
  /** How many hops the answer to a PUT for a token may go. */
  hopLimit: number;
  hasTags: boolean;
}

export interface InstancePlacement {
  zone?: string;
  /** CEL, over `machine` and `instance`: whether it may run there, and how good that is. */
  requirements?: string;
  rank?: string;
  /** Of one title: not together with each other, or all together. */
  group?: { title: string; strategy: "spread" | "cluster" };
  /** The machine, by its name. */
  machine?: string;
}

export interface InstanceMarket {
  type: "spot";
  request: string;
  /** Millionths of the currency an hour. */
  maxMicrosPerHour: number;
  onInterruption: "terminate" | "stop" | "hibernate";
}

/** A migration that is under way. */
export interface InstanceMove {
  migration: string;
  to: string;
  since: number;
  /** Seals what passes between both machines; sealed itself. */
  sealedKey: string;
  /** Its volumes are on storage that both have; they are copied else. */
  sharesStorage: boolean;
  /** Where the other machine waits for it, once that has said so. */
  address?: string;
  port?: number;
}

/** How busy an instance is, as far as its machine tells: of one run, and only while that is told without long gaps. */
export interface InstanceUse {
  /** Of the run: `startedAt` of its status. */
  startedAt: number;
  /** When the window began that is under way, and what had been used of CPUs by then. */
  at: number;
  cpuMs: number;
  /** What was used of the processors that it sees, in thousandths: of the windows before that, the newest last. */
  perMille: readonly number[];
}

/** EC2's names for where an instance is in its life. */
export type InstanceState =
  | "pending"
  | "running"
  | "stopping"
  | "stopped"
  | "shutting-down"
  | "terminated";

export interface InstanceStatus {
  state: InstanceState;
  since: number;
  /** The machine that it is bound to, and the number of that binding: it grows, and what is told under an older one counts for nothing. */
  machine?: string;
  fence: number;
  /** Why it is on that machine, for people. */
  because?: string;
  /** When it began to run last. */
  startedAt?: number;
  /** When and how it crashed last on its machine, which has started it again. */
  crashed?: { at: number; message: string };
  /** How busy it was of late. */
  use?: InstanceUse;
  /** Under which others reach it from outside: an address, or one with ports (see `ports`). */
  publicIp?: string;
  /** By port of the instance: the port of `publicIp`, where it shares that address with others. */
  ports?: Readonly<Record<string, number>>;
  /** Why it is where it is: EC2's code ("Client.UserInitiatedShutdown"), and words. */
  reason?: { code: string; message: string };
  /** Why no machine has taken it yet. */
  waits?: string;
  /** It will be taken away then; so does the metadata service say. */
  interruptionAt?: number;
  /** Why: it costs more than it may, or its room is needed. */
  interruption?: "price" | "capacity";
  /** It has their room, and begins when these spot instances have left it, by then. */
  waitsFor?: { instances: readonly string[]; until: number };
  /** Of this binding: it ends by itself when its agent heard nothing of the cloud for so long. */
  leaseMs?: number;
  /** It stops to be started on another machine. */
  restartsElsewhere?: true;
  /** It is on its way to another machine, running. */
  move?: InstanceMove;
  /** How it has come to its machine, running. */
  moved?: { migration: string; from: string; to: string; at: number; pauseMs?: number };
  /** It was to go to another machine, and goes on where it is. */
  stayed?: { migration: string; to: string; at: number; reason: string };
  /** Machines that it was bound to and that have not said yet that nothing of it is there. */
  left?: readonly string[];
  terminatedAt?: number;
  /** What it cost before it came into this state, in millionths of the currency. */
  spentMicros?: number;
}
