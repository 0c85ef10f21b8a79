import type { Credentials } from "./sign.ts";

/** A server that keeps objects, started for the bench alone. */
export interface Store {
  host: string;
  port: number;
  /** Absent where nobody asks for a signature. */
  credentials?: Credentials;
  /** Those that do its work, whose CPU counts. */
  pids(): number[];
  stop(): Promise<void>;
}

export interface StoreKind {
  name: string;
  /** Whether an acknowledged object survives a power cut. */
  isDurable: boolean;
  /** What a URL's path begins with to reach the bucket. */
  path: string;
  /** Why it cannot run here, in a sentence with what to install; undefined when it can. */
  missing(): Promise<string | undefined>;
  start(folder: string): Promise<Store>;
}
