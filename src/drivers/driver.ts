import type { Host } from "#/base/host.ts";
import type { LogLine, SegmentSource, StepBrief, TaskOffer, TaskReport } from "#/model/wire.ts";
import type { Capacity } from "#/model/needs.ts";
import type { TaskError } from "#/model/task.ts";
import type { Cages } from "#/base/processes.ts";
import type { Admission } from "./admission.ts";

/** How tasks of one kind run on this machine. */
export interface Driver {
  /** What a template's `run.driver` says. */
  readonly name: string;
  /**
   * Takes work on, and runs it when the machine has room. Each ends by exactly one call of
   * `work.sink.ended`, later than this call. Never throws: what cannot run ends with its reason.
   */
  start(work: Work): void;
  /** Ends it as soon as can be, with the reason "cancelled"; what is queued beside it goes on unharmed. */
  cancel(work: Work): void;
  /** Ends it by SIGKILL, as a crash would, with the error given. False when it is not under way here. */
  crash(work: Work, error: TaskError): boolean;
  /** What is under way at this moment, without what only waits. */
  running(): Work[];
  /** Nothing of that job will come any more. */
  forget(job: string): void;
  /** Ends all that runs; resolves when no process is left. */
  stop(): Promise<void>;
}

/** One attempt at one task. */
export interface Work {
  readonly offer: TaskOffer;
  /** The full name of its step, and what the tasks of that step share. */
  readonly step: string;
  readonly brief: StepBrief;
  readonly sink: WorkSink;
  /** Monotonic clock; 0 until it has begun. */
  startedMs: number;
  cancelled: boolean;
  /** Times that a runner died while this was under way and nobody could say who did it. */
  suspected: number;
  /** Where a driver has put an input that came as a blob. */
  inputFile?: { path: string; sizeBytes: number };
}

/** Who hears of the work. */
export interface WorkSink {
  log(work: Work, stream: LogLine["stream"], text: string): void;
  ended(work: Work, outcome: Outcome): void;
}

/** How an attempt ended: what is reported of it, but for the claim that it was made under. */
export type Outcome = Omit<TaskReport, "task" | "fence">;

/** What a driver is given. */
export interface DriverParts extends Pick<Host, "clock" | "files" | "processes" | "log"> {
  /** For the driver's own files; emptied before it starts. */
  folder: string;
  /** What every task inherits of the environment. */
  env: Record<string, string>;
  /** Where code that runs here reaches its cloud: its control planes, with commas between. */
  cloudUrl: string;
  capacity: Capacity;
  admission: Admission;
  blobs: BlobAccess;
  shuffle: ShuffleAccess;
  /** Undefined where the kernel does not let us: memory is then looked at every now and then. */
  cages: Cages | undefined;
  /** Carries a mark of this agent alone, by which what it left behind is found again. */
  mark: string;
}

export type MakeDriver = (parts: DriverParts) => Driver;

/** Blobs as a driver sees them: files on this machine. */
export interface BlobAccess {
  /**
   * A file with the content of that blob; not to be changed. It stays for at least as long as
   * limits.blobCacheKeptMs. Throws CanopyError "not-found" where there is no such blob.
   */
  fetch(project: string, key: string): Promise<{ path: string; sizeBytes: number }>;
  /** Keeps a file as a blob of that project. */
  store(project: string, path: string): Promise<{ key: string; sizeBytes: number }>;
}

/** The shuffle as a driver sees it. A segment is lines of JSON; its partition's number ends its name. */
export interface ShuffleAccess {
  /** Keeps what a map task made, in place of what an earlier attempt left. Gives the bytes of each partition. */
  keep(task: string, partitions: Uint8Array[][]): number[];
  /**
   * The lines of those segments, wherever they are, in pieces that may end inside a line.
   * Throws SegmentsLost when some are gone.
   */
  gather(sources: SegmentSource[], signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Segments that no machine has any more: the map tasks that made them have to run again. */
export class SegmentsLost extends Error {
  readonly tasks: string[];

  constructor(tasks: string[], why: string) {
    super(`Cannot reduce as the output of ${tasks.length} map tasks is gone: ${why}`);
    this.tasks = tasks;
  }
}
