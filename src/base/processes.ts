/** A process that was started. */
export interface Process {
  pid: number;
  /** What it writes, as it comes. Reading slowly slows the process down. */
  stdout: AsyncIterable<Uint8Array>;
  stderr: AsyncIterable<Uint8Array>;
  /** Writes to its standard input; `end` closes it. */
  stdin: {
    write(content: Uint8Array | string): void;
    end(): void;
    /** Resolves when what was written has nearly all left, or never will. */
    drained(): Promise<void>;
  };
  /** A two-way stream of lines on the child's descriptor 3, when asked for. */
  channel: Channel | undefined;
  /** A few numbers shared with it, on its descriptor 4, when asked for. */
  board: Board | undefined;
  /** How it ended. Rejects with CanopyError "not-found" when there was no such program, "forbidden" when it may not run. */
  ended: Promise<{ code: number | undefined; signal: string | undefined }>;
  /** Signals it, and its whole group when it leads one. Nothing happens when it has ended. */
  signal(name: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGSTOP" | "SIGCONT"): void;
}

/** Lines of text both ways with a child. */
export interface Channel {
  write(content: string | Uint8Array): void;
  /** Resolves when what was written has nearly all left, or never will. */
  drained(): Promise<void>;
  /** Called with whole lines only, as many as came at once. */
  onLines: (lines: string[]) => void;
  /** Resolves when no more lines will come. */
  closed: Promise<void>;
}

/**
 * Numbers that this process and a child read and write at any time, also while the child's event loop
 * is busy or dead: slot n is a little-endian 32-bit integer at byte 4 n of the file on its descriptor 4.
 */
export interface Board {
  read(slot: number): number;
  write(slot: number, value: number): void;
  close(): void;
}

/** Bounds for a process and all that it starts, kept by the kernel. */
export interface Cage {
  /** Files: a process that writes 0 into each of them is inside. */
  readonly entrances: readonly string[];
  /** Kills all that is in it; it may take a moment until it is empty. */
  kill(): void;
  isEmpty(): boolean;
  /** Use by all that was ever in it, and how many processes the kernel ended for want of memory. */
  usage(): CageUsage;
  /** Lets nothing in it run until `thaw`. True once all of it stands still: to be called again until then. */
  freeze(): boolean;
  /** Nothing happens where it was not frozen. */
  thaw(): void;
  /** Only when empty; else nothing happens. True when it is gone. */
  remove(): boolean;
}

export interface CageUsage {
  cpuMs: number;
  memoryBytes: number;
  memoryPeakBytes: number;
  memoryKills: number;
}

export interface CageLimits {
  memoryBytes?: number;
  /** At most so much CPU, even when the rest is idle. */
  milliCpus?: number;
  /** A share of the CPUs when they are wanted by many. */
  milliCpusShare?: number;
  processes?: number;
}

/** Makes cages for one owner. */
export interface Cages {
  make(name: string, limits: CageLimits): Cage;
  /** Ends and removes all that is left. */
  close(): void;
}

export interface SpawnOptions {
  folder: string;
  env: Record<string, string>;
  /** Opens `channel`. */
  channel?: boolean;
  /** Opens `board`, all numbers 0. */
  board?: boolean;
  /** Starts it inside. */
  cage?: Cage;
  /** Makes it the leader of a process group of its own, so that all it starts can be ended with it. */
  group?: boolean;
  /** Runs on when this process ends, its output going to this file. */
  detachedLog?: string;
  /** With `detachedLog`: what it reads ends when this process does; else there is nothing to read. */
  hears?: boolean;
}

/** What a machine is. */
export interface HostFacts {
  hostname: string;
  /** IPv4 addresses that others may reach it at. */
  addresses: string[];
  /** Networks that it is in: each an interface's name, its IPv4 address and how many bits of that are the network's. */
  interfaces: { name: string; cidr: string }[];
  os: string;
  arch: string;
  cpus: number;
  memoryBytes: number;
}

/** Use of a process so far. */
export interface ProcessUsage {
  cpuMs: number;
  memoryBytes: number;
}

/** Processes and the machine they run on, handed in. */
export interface Processes {
  /** The Node that runs this program. */
  readonly nodePath: string;
  spawn(command: string[], options: SpawnOptions): Process;
  /**
   * Cages for `owner`, having ended and removed what an earlier life of that owner left in its own.
   * Undefined where the kernel or its administrator does not let us. `lasting`: what an earlier life left goes on, and
   * `make` gives its cage again.
   */
  cages(owner: string, options?: { lasting: true }): Cages | undefined;
  /** Processes whose environment has the variable `name` with that value: found again however they were started. */
  marked(name: string, value: string): number[];
  /**
   * Ends a process that may be another's child, by SIGKILL unless told otherwise: a name, or the number of a signal that has none.
   * Nothing happens when it does not live.
   */
  kill(pid: number, signal?: "SIGTERM" | "SIGKILL" | number): void;
  /** Use of all processes in the group that this one leads. */
  groupUsage(pid: number): ProcessUsage;
  /** Undefined when there is no such process. */
  usage(pid: number): ProcessUsage | undefined;
  /** True when a process with this id lives and started at `startedTicks` (see `identity`). */
  isAlive(pid: number, startedTicks?: number): boolean;
  /** Tells one use of a process id from a later one: its start in kernel ticks. Undefined when it does not live. */
  startedTicks(pid: number): number | undefined;
  facts(): HostFacts;
  /** Share of the machine's CPUs in use since the last call, 0 to 1, and bytes of memory that are free. */
  load(): { cpuShare: number; memoryFreeBytes: number };
}
