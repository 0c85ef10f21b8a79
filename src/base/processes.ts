/** A process that was started. */
export interface Process {
  pid: number;
  /** What it writes, as it comes. Reading slowly slows the process down. */
  stdout: AsyncIterable<Uint8Array>;
  stderr: AsyncIterable<Uint8Array>;
  /** Writes to its standard input; `end` closes it. */
  stdin: { write(content: Uint8Array | string): void; end(): void };
  /** A two-way stream of lines on the child's descriptor 3, when asked for. */
  channel: Channel | undefined;
  /** How it ended. Rejects with CanopyError "not-found" when there was no such program, "forbidden" when it may not run. */
  ended: Promise<{ code: number | undefined; signal: string | undefined }>;
  /** Signals it, and its whole group when it leads one. Nothing happens when it has ended. */
  signal(name: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGSTOP" | "SIGCONT"): void;
}

/** Lines of text both ways with a child. */
export interface Channel {
  write(text: string): void;
  /** Called with whole lines only, as many as came at once. */
  onLines: (lines: string[]) => void;
}

export interface SpawnOptions {
  folder: string;
  env: Record<string, string>;
  /** Opens `channel`. */
  channel?: boolean;
  /** Makes it the leader of a process group of its own, so that all it starts can be ended with it. */
  group?: boolean;
  /** Runs on when this process ends, its output going to this file. */
  detachedLog?: string;
}

/** What a machine is. */
export interface HostFacts {
  hostname: string;
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
  spawn(command: string[], options: SpawnOptions): Process;
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
