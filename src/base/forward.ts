import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** An HTTP request to be answered by another process. */
export interface ForwardedRequest {
  request: IncomingMessage;
  response: ServerResponse;
  /** Its body, when it was read already; else it goes on as it comes. */
  body: Buffer | undefined;
  /** Where it goes: "http://10.0.0.1:8420". */
  to: string;
  /** Added to its headers, or put in their place. */
  headers: Record<string, string>;
  /** Gives it up; what was answered until then stands. */
  signal: AbortSignal;
  /** Looks at the head of the answer before it is passed on; false refuses it. */
  onHead(headers: IncomingMessage["headers"]): Promise<boolean>;
}

/**
 * "answered": to its end, or cut off with its connection. "refused": nothing was done over there: it
 * could not be reached, or `onHead` refused its answer. "unanswered": it may have been done, and no answer came.
 */
export type ForwardOutcome = "answered" | "refused" | "unanswered";

/** Hands what came in to another process: heads, bodies and streams as they are. */
export interface Forward {
  request(forwarded: ForwardedRequest): Promise<ForwardOutcome>;
  /** An upgrade, of which nothing was answered yet. "refused" leaves it untouched. */
  upgrade(forwarded: {
    request: IncomingMessage;
    socket: Duplex;
    head: Buffer;
    to: string;
    headers: Record<string, string>;
    signal: AbortSignal;
    onHead(headers: IncomingMessage["headers"]): Promise<boolean>;
  }): Promise<ForwardOutcome>;
}
