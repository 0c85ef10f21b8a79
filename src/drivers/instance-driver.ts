import type { Host } from "#/base/host.ts";
import type { ProcessUsage } from "#/base/processes.ts";
import type { Socket } from "#/base/sockets.ts";
import type {
  DiskOrder,
  InstanceOrder,
  VolumeSnapshotOrder,
  VolumeOrder,
  VpcOrder,
} from "#/model/hosting.ts";
import type { ImageBlob } from "#/model/image.ts";
import type { InstanceKind } from "#/model/instance-type.ts";
import type { TerminalOrder } from "#/model/terminal.ts";
import type { BlobAccess } from "./driver.ts";

/**
 * How instances of some kinds live on this machine. What runs outlives the agent: `find` gives what an earlier life of it has
 * left running. Every call may be made again; each throws CanopyError or HostingError with the reason, having left
 * nothing half made.
 */
export interface InstanceDriver {
  readonly kinds: readonly InstanceKind[];
  /** What still runs here of an earlier life of the agent, by its folder's name. */
  find(folder: string, order: InstanceOrder): Promise<RunningInstance | undefined>;
  /** Starts it in its folder, which is there. Resolves when its program, or its guest's processor, runs. */
  start(folder: string, order: InstanceOrder, means: InstanceMeans): Promise<RunningInstance>;
  /**
   * Keeps the files that it has, running or stopped, as blobs of its project: the layers that it started from, and what it has
   * changed as one more. Nothing of it runs meanwhile when `isConsistent`. Absent where instances are on disks.
   */
  keepFiles?(
    folder: string,
    order: InstanceOrder,
    options: { isConsistent: boolean },
  ): Promise<readonly ImageBlob[]>;
}

/** What was made ready for it. */
export interface InstanceMeans {
  /** The file of each disk, in the order of the order's disks. */
  disks: readonly PreparedDisk[];
  /** How it is on the network. */
  network: PreparedNetwork;
  /** Called when all is ready, and nothing of it runs yet. Throws when it may not run any more. */
  begins?(): void;
  /** Gives back memory that it kept when it hibernated, if any. `isGiven` must have resolved before anything of it runs. */
  resumesFrom?: MemoryFile & { isGiven(): Promise<void> };
  /** Waits for its memory from another machine instead of beginning. */
  awaitsMigration?: {
    address: string;
    /** Known to the machine that it comes from, and nobody else: 32 bytes, base64. */
    key: string;
    /** Its volumes here are empty, and come with it. */
    withDisks: boolean;
    /** It may come to that port from now on. */
    onWaiting(port: number): void;
  };
}

/** Where memory is kept. */
export interface MemoryFile {
  path: string;
  /** Seals it: 32 bytes, base64; absent for memory in the clear. */
  key?: string;
}

export interface PreparedDisk extends DiskOrder {
  /** A qcow2 file. */
  path: string;
  /** A raw file that it stands on and never writes to, named in it from its own folder: "../bases/…". */
  below?: string;
  order: VolumeOrder;
}

/** "tap" and "veth" are there, in the network namespace `namespace`; "user": the driver's own way out, with ports forwarded. */
export interface PreparedNetwork {
  type: "namespace" | "user";
  namespace?: string;
  /** Of a guest: the tap device in it. */
  tap?: string;
  /** Where the metadata service of this instance alone listens: a Unix socket. In a namespace 169.254.169.254 leads there by itself. */
  metadataSocket: string;
  /** Ports of this machine at `address` that lead to ports of the instance, for "user". */
  forwards: readonly { address: string; port: number; to: number }[];
}

export interface RunningInstance {
  readonly startedAt: number;
  /** Resolves when it has ended, however that was. Never rejects. */
  readonly ended: Promise<{
    by: "itself" | "signal" | "crash";
    exitCode?: number;
    message?: string;
  }>;
  /** Asks it to end, and ends it when it has not within `patienceMs`. Resolves when nothing of it runs. */
  stop(patienceMs: number): Promise<void>;
  /** Begins anew, with what it has: its disks, and its address. */
  reboot(): Promise<void>;
  /** The last of what it printed to its console. */
  console(): Promise<Uint8Array>;
  /**
   * Opens its serial console, or runs a command in it. Throws CanopyError "conflict" with a hint where its kind has none.
   */
  terminal(asked: Pick<TerminalOrder, "command" | "size">): Promise<InstanceTerminal>;
  /** A picture of its display, PNG; undefined for one without. */
  screenshot(): Promise<Uint8Array | undefined>;
  /** Volumes that it has, or that were begun to be given to it. */
  volumes(): Promise<string[]>;
  /** Nothing changes for one that it has. */
  attach(disk: PreparedDisk): Promise<void>;
  detach(volume: string): Promise<void>;
  /** A volume has grown, or has other limits. */
  changed(disk: PreparedDisk): Promise<void>;
  /** Keeps what the volume holds at this moment in a file of its own, sealed as it is; it goes on meanwhile. */
  freeze(volume: VolumeOrder): Promise<FrozenVolume>;
  /** Keeps its memory in a file and ends. Undefined where its kind cannot. */
  hibernate?(file: MemoryFile): Promise<void>;
  /** Sends itself to a machine that awaits it; gives how long it stood still. It is paused here after that. */
  migrate?(to: {
    address: string;
    port: number;
    key: string;
    withDisks: boolean;
  }): Promise<{ pauseMs: number }>;
  /** Whether it stands still after it was to leave: on the machine that it leaves, or on the one that it has not come to yet. */
  stands?(): Promise<boolean>;
  /** It has not left, and goes on. */
  goOn?(): Promise<void>;
  /** What ends it without its agent: PID:TICKS of a process, or the path of a file with the id of its first one. */
  handles?(): readonly string[];
  /** What it has used of CPUs since it began, and has of memory; undefined where that is not known. */
  use(): ProcessUsage | undefined;
  /** The agent ends: it goes on, and nothing is heard of it here any more. For what would else stand in a later life's way. */
  leave?(): void;
}

/** A volume at one moment, in a qcow2 file that nothing writes to until it is released. */
export interface FrozenVolume {
  path: string;
  /** It reads as what the volume stands on where it has nothing itself, and does not name that. */
  isOnBase: boolean;
  release(): Promise<void>;
}

/** A terminal of an instance, or what stands for one. */
export interface InstanceTerminal extends Pick<Socket, "incoming" | "write" | "end" | "close"> {
  /** Of a command, once `incoming` has ended. */
  exitCode?: Promise<number | undefined>;
}

export interface InstanceDriverParts extends Pick<
  Host,
  "clock" | "files" | "processes" | "sockets" | "log" | "random"
> {
  blobs: BlobAccess;
  /** For what instances share; it is kept over the agent's lives. */
  folder: string;
  /** Of this agent alone: in the environment of all that it starts. */
  mark: string;
}

/** Files of volumes on this machine. Each call may be made again, and leaves nothing half made when it throws. */
export interface Disks {
  /** Makes the file of a volume as its snapshot says, or empty, and as large as it is to be; grows one that is there. */
  prepare(order: VolumeOrder): Promise<PreparedVolume>;
  remove(volume: string, storage: string | undefined): Promise<void>;
  /** Volumes whose files are here, in the agent's folder and on storage that it shares. */
  list(): Promise<{ volume: string; storage?: string }[]>;
  /**
   * Keeps what is in a file that nothing writes to, on what it stands where that is told, as chunks: `onProgress` hears 0 to 100. Gives the blob with the manifest, and
   * the bytes of chunks that `after` does not name.
   */
  keep(
    order: VolumeSnapshotOrder,
    source: DiskSource,
    onProgress: (percent: number) => void,
  ): Promise<{ manifest: string; newBytes: number }>;
}

/** A qcow2 file that names what it stands on itself, or on a raw one that is told. */
export interface DiskSource {
  path: string;
  below?: string;
}

export interface PreparedVolume {
  path: string;
  /** The file that it stands on, where it does: other volumes may, too. */
  below?: string;
  sizeBytes: number;
}

/** Networks of instances on this machine. Each call may be made again. */
export interface Networks {
  readonly type: "full" | "user";
  /** Makes what an instance needs to be on its network, its metadata service among it; again when its rules or its metadata are others. */
  prepare(order: InstanceOrder): Promise<PreparedNetwork>;
  /** What is known of the networks that instances here are in. */
  know(vpcs: readonly VpcOrder[]): Promise<void>;
  /** Nothing of it stays. */
  remove(instance: string): Promise<void>;
  close(): Promise<void>;
}
