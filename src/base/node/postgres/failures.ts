import { CanopyError, messageOf } from "../../errors.ts";

/**
 * What an error of PostgreSQL means to who asked.
 * - "lost": the connection is gone, and whether the transaction was committed is not known.
 * - "again": the server has undone the transaction, for a reason that passes.
 * - "full": undone, as the server's disk is full.
 * - "broken": nothing that waiting would mend.
 */
export type Failure = "lost" | "again" | "full" | "broken";

interface ServerError extends Error {
  code?: string;
  severity?: string;
}

/** Codes: PostgreSQL 15, appendix A. */
const full = new Set(["53100"]);
const noRights = "42501";
const lost = /^(?:08|57P0|25006)/;
const passing = /^(?:40|53|55P03|57014)/;

export function failureOf(thrown: unknown): Failure {
  const { code, severity } = thrown as ServerError;
  if (thrown instanceof CanopyError) return code === "unavailable" ? "lost" : "broken";
  if (!(thrown instanceof Error)) return "broken";
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || severity === undefined)
    return isOfConnection(thrown) ? "lost" : "broken";
  if (severity === "FATAL" || severity === "PANIC" || lost.test(code)) return "lost";
  if (full.has(code)) return "full";
  return passing.test(code) ? "again" : "broken";
}

/** Of a socket, or of the driver when its socket has ended. */
function isOfConnection(error: ServerError): boolean {
  return (
    /^E[A-Z_]+$/.test(error.code ?? "") ||
    /^(?:Connection terminated|timeout expired|Client has encountered a connection error|Client was closed)/.test(
      error.message,
    )
  );
}

/** What someone is told who asks for something while PostgreSQL is away, or has no room. Other errors are passed on. */
export function explainFailure(action: string, shown: string, thrown: unknown): unknown {
  if (thrown instanceof CanopyError) return thrown;
  const failure = failureOf(thrown);
  if ((thrown as ServerError).code === noRights)
    return new CanopyError(
      "forbidden",
      `Cannot ${action} as the user of PostgreSQL at ${shown} must have the right to: ${messageOf(thrown)}`,
      { hint: "GRANT it, or let the owner of the schema in", cause: thrown },
    );
  if (failure === "broken") return thrown;
  if (failure === "full") return noSpace(action, shown, thrown);
  return new CanopyError(
    "unavailable",
    `Cannot ${action} as PostgreSQL at ${shown} must answer: ${messageOf(thrown)}`,
    { hint: "Is the server up? Canopy goes on by itself when it is back", cause: thrown },
  );
}

export function noSpace(action: string, shown: string, cause?: unknown): CanopyError {
  return new CanopyError(
    "no-space",
    `Cannot ${action} as the disk of PostgreSQL at ${shown} is full`,
    {
      hint: "Free some space on the disk of that server; Canopy goes on by itself",
      cause,
    },
  );
}
