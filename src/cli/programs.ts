/** What the CLI starts but is not part of it: handed in by `main.ts`. */
export interface Programs {
  /** Canopy's own, as its package says. */
  version: string;
  config: ProgramConfig;
  /** Starts a cloud in this process. */
  up(options: UpWish): Promise<StartedCloud>;
  /** Runs this computer's agent in this process. */
  agent(options: AgentWish): Promise<StartedAgent>;
}

/** What the environment says. */
export interface ProgramConfig {
  dataFolder: string;
  host: string;
  port: number;
  joinToken: string | undefined;
  logLevel: string;
}

export interface UpWish {
  dataFolder: string;
  host: string;
  port: number;
  withAgent: boolean;
  durability: "full" | "normal";
  logLevel: string;
}

export interface StartedCloud {
  url: string;
  key: string;
  dataFolder: string;
  joinLine: string;
  /** Whether other computers can reach it. */
  isReachable: boolean;
  readyMs: number;
  stop(): Promise<void>;
}

export interface AgentWish {
  folder: string;
  url: string;
  token?: string;
  labels: Record<string, string>;
  cpus?: number;
  memoryBytes?: number;
  logLevel: string;
}

export interface StartedAgent {
  machine: string;
  /** Resolves with the reason when the cloud has refused it for good. */
  refused: Promise<string>;
  stop(): Promise<void>;
}
