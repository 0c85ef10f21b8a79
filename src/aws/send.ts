import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Outgoing } from "./protocols/protocol.ts";

/** Writes an answer to its end. Headers that were set before stay, unless the answer has its own. */
export async function send(
  response: ServerResponse,
  { status, headers, body }: Outgoing,
  isHead: boolean,
): Promise<void> {
  if (status === 204 || status === 304) {
    response.writeHead(status, withoutType(headers));
    return void response.end();
  }
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (!isHead) headers["content-length"] ??= String(bytes?.length ?? 0);
    response.writeHead(status, headers);
    return void response.end(isHead ? undefined : bytes);
  }
  response.writeHead(status, headers);
  await pipeline(body instanceof Readable ? body : Readable.from(body), response);
}

function withoutType({ "content-type": _type, ...headers }: Record<string, string>) {
  return headers;
}
