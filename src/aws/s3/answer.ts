import type { OutgoingHttpHeaders } from "node:http";
import type { Checksum, ObjectVersion } from "#/objects/object-version.ts";
import { hostId } from "../protocols/rest-xml.ts";
import type { ObjectCall } from "./call.ts";
import { checksumHeader } from "./headers/checksums.ts";
import { encryptionHeaders } from "./headers/encryption.ts";
import { markHeaders } from "./headers/mark-headers.ts";
import { toWire } from "./headers/object-headers.ts";

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Record<string, string | number>;

/** The names of the call, to which comes what is answered. */
export function newHeaders({ context: { requestId, caller }, bucket }: ObjectCall): AnswerHeaders {
  const headers: AnswerHeaders = {
    "x-amz-request-id": requestId,
    "x-amz-id-2": hostId(requestId),
  };
  if (bucket.spec.requesterPays && caller.accountId !== bucket.spec.accountId)
    headers["x-amz-request-charged"] = "requester";
  return headers;
}

/** Answers without a body, or with one that is there whole. */
export function send(
  { context: { response } }: ObjectCall,
  status: number,
  headers: AnswerHeaders,
  body?: string | Uint8Array,
): void {
  if (body === undefined) {
    if (status !== 204 && status !== 304 && headers["content-length"] === undefined)
      headers["content-length"] = 0;
    response.writeHead(status, headers as OutgoingHttpHeaders);
    response.end();
    return;
  }
  if (typeof body === "string") headers["content-type"] = "application/xml";
  headers["content-length"] = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  response.writeHead(status, headers as OutgoingHttpHeaders);
  response.end(body);
}

export const sendXml = (call: ObjectCall, xml: string, headers = newHeaders(call)): void =>
  send(call, 200, headers, xml);

/** What reads tell of an object, whether all of it or a part is asked for. */
export function describe(headers: AnswerHeaders, call: ObjectCall, found: ObjectVersion): void {
  headers["last-modified"] = new Date(found.modifiedMs).toUTCString();
  headers["etag"] = `"${found.etag}"`;
  headers["accept-ranges"] = "bytes";
  headers["content-type"] = toWire(found.contentType ?? "binary/octet-stream");
  if (found.cacheControl !== undefined) headers["cache-control"] = toWire(found.cacheControl);
  if (found.contentDisposition !== undefined)
    headers["content-disposition"] = toWire(found.contentDisposition);
  if (found.contentEncoding !== undefined)
    headers["content-encoding"] = toWire(found.contentEncoding);
  if (found.contentLanguage !== undefined)
    headers["content-language"] = toWire(found.contentLanguage);
  if (found.expires !== undefined) headers["expires"] = toWire(found.expires);
  if (found.websiteRedirectLocation !== undefined)
    headers["x-amz-website-redirect-location"] = toWire(found.websiteRedirectLocation);
  for (const name in found.metadata) headers[`x-amz-meta-${name}`] = toWire(found.metadata[name]!);
  versionHeader(headers, call, found.versionId);
  if (found.storageClass !== "STANDARD") headers["x-amz-storage-class"] = found.storageClass;
  markHeaders(headers, call, found);
  encryptionHeaders(headers, found.encryption);
}

/** Buckets that never had versions tell of none. */
export function versionHeader(headers: AnswerHeaders, call: ObjectCall, versionId: string): void {
  // Versions may have been switched on since the call began.
  if (versionId !== "null" || call.bucket.spec.versioning !== "off")
    headers["x-amz-version-id"] = versionId;
}

export function checksumHeaders(headers: AnswerHeaders, checksum: Checksum | undefined): void {
  if (!checksum) return;
  headers[checksumHeader(checksum.algorithm)] = checksum.value;
  headers["x-amz-checksum-type"] = checksum.type;
}
