import type { RecordOf } from "./record.ts";

/**
 * An event that waits for its function to run on it. Part of its function: the rest of its name begins with the time at which it
 * came, counted backwards, so that the log gives the oldest first; the same id at the same time is the same event.
 */
export type FunctionEventRecord = RecordOf<
  "function-event",
  FunctionEventSpec,
  FunctionEventStatus
>;

export interface FunctionEventSpec {
  id: string;
  /** JSON. */
  payload: string;
  at: number;
  /** The version or alias that was asked for. */
  qualifier?: string;
  clientContext?: string;
}

export interface FunctionEventStatus {
  /** Calls on it that ended with an error of the function's. */
  failures: number;
  /** Times that it could not be run at all. */
  delays: number;
  /** Not tried before. */
  notBefore?: number;
}

/** How events of a function, or of one of its versions or aliases, are dealt with. */
export interface FunctionEventConfig {
  /** Beyond the first. */
  retries?: number;
  ageSecondsMax?: number;
  /** ARNs of who is told. */
  onSuccess?: string;
  onFailure?: string;
  changedAt: number;
}

export function functionEventName(name: string, at: number, id: string): string {
  const left = (Number.MAX_SAFE_INTEGER - at).toString(36).padStart(11, "0");
  return `${name}/${left}-${id}`;
}
