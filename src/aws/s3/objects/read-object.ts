import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { ObjectVersion } from "#/objects/object-version.ts";
import { AwsError } from "#/model/aws-error.ts";
import {
  checksumHeaders,
  describe,
  newHeaders,
  send,
  versionHeader,
  type AnswerHeaders,
} from "../answer.ts";
import { parameter, versionIdOf, type ObjectCall } from "../call.ts";
import { givingUp } from "../giving-up.ts";
import { accessDenied, invalidArgument, invalidRequest, methodNotAllowed } from "../errors.ts";
import { isSameAsBefore, isUnchanged } from "../headers/conditions.ts";
import { customerKey, openedBy } from "../headers/encryption.ts";
import { parseRange, type ByteRange } from "../headers/range.ts";
import { openKey } from "../keys.ts";
import { mayDo, missing } from "../permission.ts";
import { expirationHeader } from "../expiration.ts";

/** GET and HEAD: the same in all but the bytes. */
export async function readObject(call: ObjectCall, isHead: boolean): Promise<void> {
  const { headers: asked, context } = call;
  const versionId = versionIdOf(call);
  if (asked[sse] !== undefined)
    throw invalidArgument(`${sse} header is not supported for this operation.`, sse);
  const part = askedPart(call);
  const found = await findReadable(call, versionId, isHead ? "HEAD" : "GET", "GetObject");
  const headers = newHeaders(call);
  expirationHeader(headers, call, found);
  if (isUnchanged(asked, found)) {
    tellUnchanged(headers, call, found);
    send(call, 304, headers);
    return;
  }
  const customer = customerKey(asked);
  const hasChecksum = asked["x-amz-checksum-mode"] === "ENABLED";
  // What is told of an object needs no key of the cloud's, but for what gives its bytes away.
  const opens = !isHead || hasChecksum;
  const key =
    openedBy(found.encryption, customer) ?? (opens ? openKey(call, found.encryption) : undefined);
  describe(headers, call, found);
  const range = partOf(call, part, found, headers) ?? rangeOf(asked, found);
  const size = range ? range.end - range.start : found.sizeBytes;
  if (range) headers["content-range"] = `bytes ${range.start}-${range.end - 1}/${found.sizeBytes}`;
  else if (hasChecksum) checksumHeaders(headers, found.checksum);
  if (context.target.query !== "") override(call, headers);
  headers["content-length"] = size;
  const status = range ? 206 : 200;
  if (isHead || size === 0) {
    send(call, status, headers, isHead ? undefined : noBytes);
    return;
  }
  const bytes = await call.store.lend(call.place, found, {
    ...(range && { range }),
    ...(key && { key }),
  });
  if (bytes instanceof Uint8Array) {
    send(call, status, headers, bytes);
    return;
  }
  const { response } = context;
  await givingUp(bytes, async (pieces) => {
    response.writeHead(status, headers);
    // Each piece is on its way to the network before its memory is used again.
    for await (const piece of pieces) await written(response, piece);
    response.end();
  });
}

/** A response that waits behind others on its connection is never told that this has ended: so the connection is asked. */
function written(response: ServerResponse, piece: Uint8Array): Promise<void> {
  const { socket } = response.req;
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error("the connection has ended"));
    if (socket.destroyed) return gone();
    socket.once("close", gone);
    response.write(piece, (error) => {
      socket.off("close", gone);
      if (error) reject(error);
      else resolve();
    });
  });
}

const sse = "x-amz-server-side-encryption";
const noBytes = new Uint8Array();

/**
 * The version that a read is about. Throws "NoSuchKey", "NoSuchVersion", "AccessDenied"; of a marker "NoSuchKey", or
 * "MethodNotAllowed" when it was named.
 */
export async function findReadable(
  call: ObjectCall,
  versionId: string | undefined,
  method: string,
  action:
    | "GetObject"
    | "GetObjectTagging"
    | "GetObjectAcl"
    | "GetObjectAttributes"
    | "GetObjectRetention"
    | "GetObjectLegalHold",
): Promise<ObjectVersion> {
  const { context, bucket, key } = call;
  const answer = call.store.find(call.place, versionId);
  const found = answer instanceof Promise ? await answer : answer;
  const name =
    versionId !== undefined && versioned.has(action)
      ? `${action.replace("Object", "ObjectVersion")}`
      : action;
  // Where ACLs count, one that is not there has none that could let anybody read it: who may list learns that.
  const isUnknown = !found && bucket.spec.ownership !== "BucketOwnerEnforced";
  if (!isUnknown && !mayDo(context, bucket, name, key, { found, versionId })) throw accessDenied();
  if (!found) throw missing(context, bucket, key, versionId);
  if (!("isDeleteMarker" in found)) return found;
  const headers: Record<string, string> = {
    "x-amz-delete-marker": "true",
    "x-amz-version-id": found.versionId,
  };
  if (versionId === undefined) throw missing(context, bucket, key, undefined, headers);
  throw methodNotAllowed(method, "DeleteMarker", {
    ...headers,
    allow: "DELETE",
    "last-modified": new Date(found.modifiedMs).toUTCString(),
  });
}

const versioned = new Set(["GetObject", "GetObjectTagging", "GetObjectAcl", "GetObjectAttributes"]);

function rangeOf(asked: IncomingHttpHeaders, found: ObjectVersion): ByteRange | undefined {
  const header = asked["range"];
  if (header === undefined || !isSameAsBefore(asked["if-range"], found)) return undefined;
  return parseRange(header, found.sizeBytes);
}

/** "?partNumber=". Throws "InvalidRequest", "InvalidArgument". */
function askedPart(call: ObjectCall): number | undefined {
  if (call.context.target.query === "") return undefined;
  const text = parameter(call, "partNumber");
  if (text === undefined) return undefined;
  if (call.headers["range"] !== undefined)
    throw invalidRequest("Cannot specify both Range header and partNumber query parameter");
  return partNumberOf(text);
}

/** The bytes of the part that is asked for. Throws "InvalidPartNumber". */
function partOf(
  call: ObjectCall,
  number: number | undefined,
  found: ObjectVersion,
  headers: AnswerHeaders,
): ByteRange | undefined {
  if (number === undefined) return undefined;
  const parts = found.parts ?? [];
  const count = Math.max(parts.length, 1);
  if (number > count)
    throw new AwsError("InvalidPartNumber", 416, "The requested partnumber is not satisfiable", {
      fields: { PartNumberRequested: String(number), ActualPartCount: String(count) },
    });
  if (parts.length > 0) headers["x-amz-mp-parts-count"] = parts.length;
  let start = 0;
  for (const part of parts.slice(0, number - 1)) start += part.sizeBytes;
  const sizeBytes = parts[number - 1]?.sizeBytes ?? found.sizeBytes;
  if (call.headers["x-amz-checksum-mode"] === "ENABLED")
    checksumHeaders(headers, parts.length > 0 ? parts[number - 1]?.checksum : found.checksum);
  return found.sizeBytes === 0 ? undefined : { start, end: start + sizeBytes };
}

export function partNumberOf(text: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 10_000) return number;
  throw invalidArgument(
    "Part number must be an integer between 1 and 10000, inclusive",
    "partNumber",
    text,
  );
}

const overridable = [
  "content-type",
  "content-language",
  "expires",
  "cache-control",
  "content-disposition",
  "content-encoding",
] as const;

/** "response-content-type=…": only who signed may have them. Throws "InvalidRequest". */
function override(call: ObjectCall, headers: AnswerHeaders): void {
  if (!call.context.target.query.includes("response-")) return;
  for (const name of overridable) {
    const value = parameter(call, `response-${name}`);
    if (value === undefined) continue;
    if (call.context.caller.kind === "anonymous")
      throw invalidRequest(
        "Request specific response headers cannot be used for anonymous GET requests.",
      );
    // oxlint-disable-next-line no-control-regex
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
      throw invalidArgument("Header value cannot be represented.", `response-${name}`, value);
    headers[name] = Buffer.from(value).toString("latin1");
  }
}

function tellUnchanged(headers: AnswerHeaders, call: ObjectCall, found: ObjectVersion): void {
  headers["etag"] = `"${found.etag}"`;
  headers["last-modified"] = new Date(found.modifiedMs).toUTCString();
  if (found.cacheControl !== undefined) headers["cache-control"] = found.cacheControl;
  if (found.expires !== undefined) headers["expires"] = found.expires;
  versionHeader(headers, call, found.versionId);
}
