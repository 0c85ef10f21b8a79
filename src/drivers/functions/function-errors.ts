import type { FunctionError } from "#/model/function-wire.ts";

/** How the processes of an environment ended. */
export interface Ending {
  code: number | undefined;
  signal: string | undefined;
  ranOutOfMemory: boolean;
}

/** Signals that end programs, by the number that a shell adds to 128. */
const signals: Record<number, string> = {
  4: "illegal instruction",
  6: "aborted",
  7: "bus error",
  8: "floating point exception",
  9: "killed",
  11: "segmentation fault",
  15: "terminated",
};

/** As Lambda words it; without a call to name it is of the time before the first one. */
export function exitError(
  { code, signal, ranOutOfMemory }: Ending,
  requestId?: string,
): FunctionError {
  if (ranOutOfMemory)
    return errorOf("Runtime.OutOfMemory", "Runtime exited with error: signal: killed", requestId);
  const number = code === undefined ? (signal === "SIGKILL" ? 9 : 15) : code - 128;
  const ended =
    code === 0
      ? "Runtime exited without providing a reason"
      : `Runtime exited with error: ${signals[number] === undefined ? `exit status ${code}` : `signal: ${signals[number]}`}`;
  return errorOf("Runtime.ExitError", ended, requestId);
}

export function timeoutError(timeoutMs: number, requestId?: string): FunctionError {
  const seconds = (timeoutMs / 1000).toFixed(2);
  const what = requestId === undefined ? "Init phase" : "Task";
  return errorOf("Sandbox.Timedout", `${what} timed out after ${seconds} seconds`, requestId);
}

export function tooLargeError(bytesMax: number): FunctionError {
  return {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size exceeded maximum allowed payload size (${bytesMax} bytes).`,
  };
}

function errorOf(errorType: string, message: string, requestId?: string): FunctionError {
  const prefix = requestId === undefined ? "" : `RequestId: ${requestId} `;
  return { errorType, errorMessage: `${prefix}Error: ${message}` };
}
