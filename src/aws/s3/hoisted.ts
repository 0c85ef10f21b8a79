import type { IncomingMessage } from "node:http";
import type { SignedRequest } from "#/access/signatures/signed-request.ts";
import { parametersOf } from "../target.ts";

/**
 * Presigned addresses carry headers of the call in their query: "x-amz-acl", "x-amz-meta-color". They come to be headers of the
 * request, unless it has its own. Gives the request as it was signed, which is without them.
 */
export function hoistHeaders(request: IncomingMessage, query: string): SignedRequest {
  const { method, url = "", headers, rawHeaders } = request;
  if (!isPresigned.test(query) || headers.authorization !== undefined)
    return request as SignedRequest;
  const hoisted: Record<string, string> = {};
  for (const [name, value] of parametersOf(query)) {
    const header = name.toLowerCase();
    if (!header.startsWith("x-amz-") || notHoisted.test(header)) continue;
    // As it would have come: each character a byte.
    if (headers[header] === undefined) hoisted[header] = Buffer.from(value).toString("latin1");
  }
  const signed = { method, url, headers: { ...headers }, rawHeaders };
  Object.assign(headers, hoisted);
  return signed;
}

const isPresigned = /(?:^|&)(?:X-Amz-Signature|Signature)=/;

/**
 * What belongs to the signature; and checksums, which clients compute when they presign, of a body that they do not
 * have: of nothing.
 */
const notHoisted =
  /^x-amz-(?:algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|checksum-.*|sdk-.*|user-agent)$/;
