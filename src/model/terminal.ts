import { CanopyError, messageOf, type ErrorCode } from "#/base/errors.ts";

/**
 * What passes between somebody at a terminal, the cloud and the agent of an instance: its serial console, or a command that runs
 * in it. Bytes are base64. Neither side sends more than
 * limits.terminalAheadBytes that the other has not taken.
 */
export interface TerminalOrder {
  instance: string;
  fence: number;
  /** To run in it; absent for its console. */
  command?: readonly string[];
  /** The command gets a terminal of its own, of that size. */
  size?: TerminalSize;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** Said to the agent. */
export type TerminalRequest =
  | { open: TerminalOrder }
  | { input: string }
  /** Nothing more is typed. */
  | { hasTyped: true }
  /** So many bytes of output have been taken. */
  | { taken: number }
  | { close: true };

/** Said by the agent. */
export type TerminalReply =
  | { opened: true }
  | { output: string }
  /** So many bytes of input were read. */
  | { read: number }
  /** It is over: the command's exit code, or why there is no terminal. */
  | { ended: TerminalEnd };

export interface TerminalEnd {
  exitCode?: number;
  error?: { code: ErrorCode; message: string; hint?: string };
}

/** Said by somebody at a terminal to the door. */
export type TerminalInput = { input: string } | { hasTyped: true };

/** Said by the door. */
export type TerminalOutput =
  | { opened: { canType: boolean } }
  | { output: string }
  | { read: number }
  | { ended: TerminalEnd };

/** That it is over by an error, as the other side says it again. */
export function endedBy(thrown: unknown): { ended: TerminalEnd } {
  const message = messageOf(thrown);
  if (!(thrown instanceof CanopyError)) return { ended: { error: { code: "conflict", message } } };
  const { code, hint } = thrown;
  return { ended: { error: { code, message, ...(hint !== undefined && { hint }) } } };
}
