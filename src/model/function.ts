import type { FunctionEventConfig } from "./function-event.ts";
import type { RecordOf } from "./record.ts";

/** A function: what its calls run now, and what all of its versions share. Its name is its project's, ":" and its own. */
export type FunctionRecord = RecordOf<"function", FunctionSpec, FunctionStatus>;

/** What a function was when it was published; it never changes. Part of its function: "p:resize/3". */
export type FunctionVersionRecord = RecordOf<"function-version", FunctionVersionSpec, object>;

/** A name for one version, or for two by weight. Part of its function: "p:resize/live". */
export type FunctionAliasRecord = RecordOf<"function-alias", FunctionAliasSpec, object>;

export interface FunctionSpec {
  /** Its own name. */
  title: string;
  accountId: string;
  createdAt: number;
  /** "$LATEST". */
  latest: FunctionConfig;
  /** So many calls at once are kept for it, and it gets no more. */
  reservedConcurrency?: number;
  tags?: Readonly<Record<string, string>>;
  /** How events are dealt with, by qualifier; "" for the function itself. */
  events?: Readonly<Record<string, FunctionEventConfig>>;
  /** Who else may call it: JSON of policies by qualifier, "" for the function itself. */
  policies?: Readonly<Record<string, string>>;
}

export interface FunctionStatus {
  /** The number of the version that was published last; 0 before the first. */
  versions: number;
}

export interface FunctionVersionSpec {
  accountId: string;
  version: string;
  publishedAt: number;
  /** Its own, or that of the function then. */
  description: string;
  config: FunctionConfig;
}

export interface FunctionAliasSpec {
  title: string;
  accountId: string;
  description: string;
  version: string;
  /** The share of calls, 0 to 1, that go to another version. */
  weights?: Readonly<Record<string, number>>;
  revisionId: string;
}

/** All that decides how a call runs. */
export interface FunctionConfig {
  description: string;
  /** As Lambda names them: "nodejs22.x". */
  runtime: FunctionRuntime;
  handler: string;
  /** ARN of the role that its code acts as. */
  role: string;
  memoryMb: number;
  timeoutSeconds: number;
  /** Of /tmp. */
  ephemeralMb: number;
  /** Sealed JSON of names and values; absent for none. */
  environment?: string;
  architecture: "x86_64" | "arm64";
  code: FunctionCode;
  modifiedAt: number;
  /** Another one with each change. */
  revisionId: string;
}

/** A zip archive, which is a blob of the function's project. */
export interface FunctionCode {
  blob: string;
  /** Base64, as Lambda tells it. */
  sha256: string;
  sizeBytes: number;
  unpackedBytes: number;
}

export const functionRuntimes = [
  "nodejs20.x",
  "nodejs22.x",
  "nodejs24.x",
  "python3.11",
  "python3.12",
  "python3.13",
  "python3.14",
  "provided.al2",
  "provided.al2023",
] as const;
export type FunctionRuntime = (typeof functionRuntimes)[number];

/** Programs by which functions run: the machine's interpreters, or what the code brings itself. */
export type FunctionInterpreter = "node" | "python" | "bootstrap";

export function interpreterOf(runtime: FunctionRuntime): FunctionInterpreter {
  if (runtime.startsWith("nodejs")) return "node";
  return runtime.startsWith("python") ? "python" : "bootstrap";
}
