import type { FunctionCall, FunctionError } from "#/model/function-wire.ts";

/** What a runtime says. */
export interface RuntimeEvents {
  /** It waits for its first call. */
  ready(): void;
  /** Its code cannot be used. */
  broken(error: FunctionError): void;
  /** JSON, given by a handler, or thrown. */
  answered(answer: RuntimeAnswer): void;
}

export interface RuntimeAnswer {
  requestId: string;
  isError: boolean;
  payload: string;
  /** Of all its calls, and its highest, where the runtime tells. */
  cpuMs?: number;
  memoryPeakBytes?: number;
  /** All that it has printed by then. */
  printedBytes?: number;
}

export interface RuntimeBrief {
  handler: string;
  env: Readonly<Record<string, string>>;
}

/** How an environment speaks with the runtime in its sandbox. */
export interface Conversation {
  /** Its code is there. */
  begin(brief: RuntimeBrief): void;
  invoke(call: FunctionCall, deadline: number): void;
  close(): void;
}
