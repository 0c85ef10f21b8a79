import type { IncomingMessage } from "node:http";

type Asking = Pick<IncomingMessage, "headers">;

/**
 * How who asks reaches this door. It speaks plain HTTP itself; a proxy with TLS before it says so by `X-Forwarded-Proto`. Only
 * for addresses that are told to who asks: anybody may send that header.
 */
export function schemeOf({ headers }: Asking): "http" | "https" {
  const [said = ""] = String(headers["x-forwarded-proto"] ?? "").split(",");
  return said.trim().toLowerCase() === "https" ? "https" : "http";
}

/** Host and port by which who asks reaches this door. */
export const hostOf = ({ headers }: Asking): string => headers.host ?? "localhost";

/** Both together; a path follows. */
export const baseUrlOf = (asking: Asking): string => `${schemeOf(asking)}://${hostOf(asking)}`;
