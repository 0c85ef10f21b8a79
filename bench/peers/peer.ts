/** What one peer reached; medians over the runs. */
export interface PeerFigures {
  tasksPerSecond: number;
  oneAtATimeP50Ms: number;
  oneAtATimeP99Ms: number;
  /** From submit to the handler's start, one at a time, on the wall clock that both processes share. */
  startP50Ms?: number;
  startP99Ms?: number;
  /** How many tasks it really ran, as a slow peer takes fewer than asked for. */
  bulkTasks: number;
  singleTasks: number;
}

export interface PeerOptions {
  bulkTasks: number;
  singleTasks: number;
  /** An empty folder for the servers' data: on the disk whose fsync is compared. */
  folder: string;
  runs: number;
  /** A PostgreSQL server to use instead of one of its own. */
  postgres?: { url: string };
}

/**
 * Another system that does durable no-op tasks: submit, queue, a separate worker process, acknowledge, and the
 * submitter sees the result. Configured as its own documentation advises for bulk.
 */
export interface Peer {
  name: string;
  /** What an acknowledgement is worth as configured: it survives power loss, a killed server, or neither. */
  durability: "fsync" | "kill-9" | "none";
  /** Why it cannot run here, in a sentence with what to install; undefined when it can. */
  missing(): Promise<string | undefined>;
  /** Starts its own servers in the folder on free ports of 127.0.0.1, and ends only what it started. */
  run(options: PeerOptions): Promise<PeerFigures>;
}
