import type { FunctionInterpreter } from "./function.ts";

/**
 * What machines are told of functions. Environments belong to the link over which they were ordered: with its end an agent ends them, as
 * whoever leads next knows nothing of them.
 */
export type FunctionOrder =
  | { do: "start"; environment: string; brief: EnvironmentBrief }
  /** One call at a time in each environment; another before its answer is an error of the cloud's. */
  | { do: "invoke"; environment: string; call: FunctionCall }
  /** Ends it, whatever it does. */
  | { do: "end"; environment: string };

/** All that an execution environment is made of. */
export interface EnvironmentBrief {
  project: string;
  interpreter: FunctionInterpreter;
  handler: string;
  /** The zip archive: a blob of the project. */
  code: { blob: string; sizeBytes: number };
  memoryBytes: number;
  milliCpus: number;
  ephemeralBytes: number;
  /** How long the code may take until it asks for its first call. */
  initMs: number;
  /** What its code finds in its environment, AWS's own names and credentials among them. */
  env: Readonly<Record<string, string>>;
}

export interface FunctionCall {
  requestId: string;
  /** JSON, as it came. */
  payload: string;
  /** From when it begins; then the environment is ended. */
  timeoutMs: number;
  arn: string;
  traceId: string;
  /** Base64 of JSON, of what mobile clients tell. */
  clientContext?: string;
}

/** What machines say of environments. */
export type FunctionReport =
  /** It waits for its first call. */
  | { is: "ready"; environment: string; initMs: number }
  | { is: "answered"; environment: string; requestId: string; answer: FunctionAnswer }
  | {
      is: "printed";
      environment: string;
      lines: readonly { at: number; text: string; requestId?: string }[];
    }
  /** It is gone; what was asked of it has had its answer before. `error` says why it never came to be ready. */
  | { is: "ended"; environment: string; error?: FunctionError };

export interface FunctionAnswer {
  /** JSON: what the handler gave, or a FunctionError. */
  payload: string;
  error?: "Handled" | "Unhandled";
  usage: CallUsage;
}

/** As Lambda words it: {"errorType":"Runtime.ExitError","errorMessage":"…"}. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  stackTrace?: readonly string[];
}

/** What one call used, as its agent measured it; its environment was made for it where `initMs` is there. */
export interface CallUsage {
  durationMs: number;
  initMs?: number;
  cpuMs: number;
  memoryPeakBytes: number;
}

/** What an agent can run. */
export interface FunctionAbilities {
  interpreters: readonly FunctionInterpreter[];
  /** What it lacks, and what to install. */
  missing: readonly string[];
}
