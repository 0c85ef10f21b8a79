import type { SignedRequest } from "../signatures/signed-request.ts";

/** A request as Node reads it from the wire: names in lower case, what came twice joined. */
export function requestOf(
  method: string,
  url: string,
  headers: readonly (readonly [string, string])[],
): SignedRequest {
  const joined: Record<string, string> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    joined[lower] = lower in joined ? `${joined[lower]}, ${value}` : value;
  }
  return { method, url, headers: joined, rawHeaders: headers.flat() };
}
