import type { MachineRates } from "#/model/machine.ts";

/** What `canopy up` may be told. */
export interface UpOptions {
  dataFolder: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Whether this computer is the first machine. */
  withAgent: boolean;
  /** "normal" survives kill -9 but not a power cut: for measuring only. */
  durability: "full" | "normal";
  rates?: Partial<MachineRates>;
}

/** A cloud that runs in this process. */
export interface RunningCloud {
  url: string;
  /** The root key. */
  key: string;
  dataFolder: string;
  /** The line that joins another computer, with a one-time token. */
  joinLine: string;
  /** Milliseconds from the call to ready, the first machine included. */
  readyMs: number;
  /** Stops the agent that it started, and itself; waits for what is not yet on disk. */
  stop(): Promise<void>;
}

export interface AgentOptions {
  /** Where it keeps its key and its caches. */
  folder: string;
  url: string;
  /** Needed once, to join. */
  token?: string;
  labels: Record<string, string>;
  cpus?: number;
  memoryBytes?: number;
  logLevel: string;
}

export interface RunningAgent {
  machine: string;
  stop(): Promise<void>;
}
