/**
 * What can go wrong that a caller can meet, and what the doors make of it: the HTTP status, and the
 * CLI's exit code. Anything else thrown is a bug and shows outside only as "internal".
 */
export const errorCodes = {
  invalid: { status: 400, exit: 2 },
  unauthenticated: { status: 401, exit: 4 },
  forbidden: { status: 403, exit: 4 },
  "not-found": { status: 404, exit: 3 },
  conflict: { status: 409, exit: 5 },
  "too-large": { status: 413, exit: 2 },
  infeasible: { status: 422, exit: 6 },
  limited: { status: 429, exit: 7 },
  internal: { status: 500, exit: 1 },
  unavailable: { status: 503, exit: 7 },
  "no-space": { status: 507, exit: 7 },
  /** A site has no such machine to give now. */
  "no-capacity": { status: 503, exit: 7 },
  /** What is kept on disk is not whole. */
  damaged: { status: 500, exit: 1 },
  timeout: { status: 504, exit: 7 },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Where in a file the fault is, counted from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/**
 * The one error that callers are meant to see. The message gives the action, the rule, then the
 * current value: "Cannot lease tasks as 'max' must be 1 to 1024: current value is 0". `hint` says
 * what to do next, as a command where there is one.
 */
export class CanopyError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly place: Place | undefined;
  /** For "limited": when to try again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { hint?: string; place?: Place; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "CanopyError";
    this.code = code;
    this.hint = more.hint;
    this.place = more.place;
    this.retryAfterMs = more.retryAfterMs;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
