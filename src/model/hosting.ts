import type { ImageBlob, ImageBoot, ImageRun } from "./image.ts";
import type { InstanceKind } from "./instance-type.ts";

/**
 * What a cloud and an agent say to each other of instances. The cloud says what is to be, the agent what is: both as often
 * as something changed, and all of it on a new link. So a message that was lost is made good by the next one, and each may
 * come twice.
 */
export interface HostOrders {
  /** All that the machine is to have; what it has beside goes. Else those that have changed. */
  isAll: boolean;
  instances: readonly InstanceOrder[];
  volumes: readonly VolumeOrder[];
  snapshots: readonly SnapshotOrder[];
  /** Networks that its instances are in. */
  vpcs: readonly VpcOrder[];
  /** Names that are to be neither here nor known any more. */
  gone: readonly string[];
}

/** One instance that is bound to this machine. */
export interface InstanceOrder {
  instance: string;
  /** Of its binding: an order of a lower one counts for nothing. */
  fence: number;
  project: string;
  kind: InstanceKind;
  wanted: "running" | "stopped";
  /** One more than it was: it is to begin anew. */
  reboots: number;
  vcpus: number;
  memoryBytes: number;
  root: RootOrder;
  /** The project whose blobs its image is. */
  imageProject: string;
  /** Its volumes, the root first where the root is one. */
  disks: readonly DiskOrder[];
  network: NetworkOrder;
  metadata: MetadataOrder;
  /** Where no word from the cloud for so long ends it: it may be started elsewhere then. Absent for one that stays. */
  leaseMs?: number;
  /** It is to keep its memory on disk when it stops. */
  hibernates?: boolean;
  /** It comes from another machine, running. */
  comesFrom?: MigrationOrder;
  /** It goes to another machine, running. */
  goesTo?: MigrationOrder;
}

/** What it starts from. */
export type RootOrder =
  | { type: "files"; layers: readonly ImageBlob[]; run: ImageRun; boot?: ImageBoot }
  | { type: "disk"; boot?: ImageBoot }
  | { type: "unikernel"; kernel: ImageBlob; commandLine: string };

export interface DiskOrder {
  volume: string;
  device: string;
}

export interface VolumeOrder {
  volume: string;
  project: string;
  sizeBytes: number;
  /** The manifest of the snapshot that it begins as. */
  manifest?: string;
  /** Whose blobs that and its chunks are. */
  manifestProject?: string;
  /** Opens its chunks, where they are sealed: of the volume that they are of, base64 of 32 bytes. */
  manifestKey?: string;
  /** Opens it, where it is encrypted: base64 of 32 bytes. */
  key?: string;
  iops: number;
  bytesPerSecond: number;
  /** On storage that machines share; in the agent's own folder else. */
  storage?: string;
}

/** What is to be kept of how something is at one moment. */
export type SnapshotOrder = VolumeSnapshotOrder | FilesSnapshotOrder;

/** The files of an instance, for the image that is named. */
export interface FilesSnapshotOrder {
  snapshot: string;
  instance: string;
  /** Nothing of it runs while they are read. */
  isConsistent: boolean;
}

export interface VolumeSnapshotOrder {
  snapshot: string;
  project: string;
  volume: string;
  /** The manifest of the snapshot before, to tell what is new. */
  after?: string;
  /** Opens the volume, where it is encrypted, and seals its chunks. */
  key?: string;
  /** Pause what runs from it while its state is taken. */
  isConsistent: boolean;
}

export interface NetworkOrder {
  interface: string;
  vpc: string;
  subnetCidr: string;
  privateIp: string;
  mac: string;
  hostname: string;
  /** Rules of all its groups. */
  ingress: readonly FilterRule[];
  egress: readonly FilterRule[];
  /** It is reached from outside at ports of its machine. */
  hasPublicAddress: boolean;
  /** By port of the instance: the port of the machine that is to lead there, for TCP; others get any that is free. */
  published?: Readonly<Record<string, number>>;
  /** An address of its own, all of whose ports are its. */
  elasticIp?: string;
  /** As fast as it may be, each way; absent for any. */
  bitsPerSecond?: number;
}

export interface FilterRule {
  protocol: "tcp" | "udp" | "icmp" | "icmpv6" | "all";
  from: number;
  to: number;
  /** One of both: addresses, or the members of a group of the VPC. */
  cidr?: string;
  group?: string;
}

/** What machines know of a network beside its instances on them. */
export interface VpcOrder {
  vpc: string;
  /** Tells it from others between machines. */
  tunnel: number;
  cidr: string;
  /** Addresses by the names of instances. */
  names: Readonly<Record<string, string>>;
  /** Where instances on other machines are: the machine's address by theirs. */
  peers: Readonly<Record<string, string>>;
  /** Addresses of the members of each group. */
  groups: Readonly<Record<string, readonly string[]>>;
}

/** What its metadata service answers, version 2 only. */
export interface MetadataOrder {
  isEnabled: boolean;
  hopLimit: number;
  /** By path below "latest/": "meta-data/instance-id"; folders follow from them. */
  documents: Readonly<Record<string, string>>;
  /** Base64. */
  userData?: string;
}

/** The two ends of a migration meet at one machine's port. */
export interface MigrationOrder {
  migration: string;
  machine: string;
  /** Where the machine that it goes to waits for it; known once that has said so. */
  address?: string;
  port?: number;
  /** Seals what passes between both, and is told to nobody else: 32 bytes, base64. */
  key: string;
  /** Its volumes are on storage that both machines have. */
  sharesStorage: boolean;
}

/** What a machine has, each as often as it changes, and all of it now and then. */
export interface HostReports {
  instances: readonly InstanceReport[];
  volumes: readonly VolumeReport[];
  snapshots: readonly SnapshotReport[];
  /** Names that were said to be gone, and of which nothing was here. */
  gone: readonly string[];
}

/** How an instance is on its machine. */
export interface InstanceReport {
  instance: string;
  fence: number;
  /** "failed": it could not be started. "gone": nothing of it is here. */
  state: "preparing" | "running" | "stopping" | "stopped" | "failed" | "gone";
  /** So many reboots were done. */
  reboots: number;
  /** What went wrong: EC2's code and words. */
  reason?: { code: string; message: string };
  /** Of one that was to keep its memory while it is stopped: whether it could. */
  keepsMemory?: boolean;
  /** It ended by itself: its own shutdown, or its program's exit status. */
  ended?: { by: "itself" | "signal" | "crash"; exitCode?: number };
  /** When and how it crashed last under this binding; it was started again. */
  crashed?: { at: number; message: string };
  startedAt?: number;
  publicIp?: string;
  ports?: Readonly<Record<string, number>>;
  attached?: readonly string[];
  /** Why volumes could not be given to it, taken from it, or changed yet. */
  unready?: Readonly<Record<string, string>>;
  /** Where it waits for its memory. */
  awaits?: { migration: string; address: string; port: number };
  /** It has left for good, by that migration, having stood still for so long. */
  left?: { migration: string; pauseMs: number };
  /** It could not leave by that migration, and goes on: nothing of it runs elsewhere. */
  stays?: { migration: string; reason: string };
  /** What it has used of CPUs since it began, and has of memory. */
  use?: { cpuMs: number; memoryBytes: number };
}

export interface VolumeReport {
  volume: string;
  state: "making" | "here" | "gone" | "failed";
  sizeBytes?: number;
  reason?: string;
}

export interface SnapshotReport {
  snapshot: string;
  state: "reading" | "done" | "failed";
  progress: number;
  manifest?: string;
  newBytes?: number;
  /** Of files: all layers, the lowest first. */
  layers?: readonly ImageBlob[];
  reason?: string;
}

/** What only the machine knows, asked when somebody wants it. Answers are small. */
export type HostQuestion =
  | { type: "console"; instance: string; fence: number }
  | { type: "screenshot"; instance: string; fence: number };

/** Base64 of what was asked for; or why there is none, for people. */
export type HostAnswer = { content: string } | { error: string };

/** What this machine can do for instances, told when it joins. */
export interface HostAbilities {
  kinds: readonly InstanceKind[];
  /** Whether guests run at the processor's own speed; else they are emulated. */
  hasKvm: boolean;
  /** Networks of their own, or only ways out and forwarded ports. */
  networks: "full" | "user";
  /** Names of storage that it shares with other machines. */
  storages: readonly string[];
  /** What is missing for more, for people. */
  missing: readonly string[];
}
