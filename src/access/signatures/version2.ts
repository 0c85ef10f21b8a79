import { createHmac } from "node:crypto";
import { decoded } from "./encoding.ts";
import { queryOf } from "./claim.ts";
import { refuse, skewMsMax } from "./refusals.ts";
import type { SignedRequest } from "./signed-request.ts";

/**
 * Signatures of version 2: HMAC-SHA1 over method, type, date, "x-amz-" headers and the resource
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html). Only S3 has them; boto3 and the first awscli still
 * presign with them where nobody chose a region. The body is not covered.
 */
export interface OldClaim {
  way: "header" | "query";
  accessKeyId: string;
  /** Base 64. */
  signature: string;
  sessionToken?: string;
  /** The line of the date in what is signed. */
  date: string;
}

/** The claim of a request that is signed by version 2; undefined for all others. Throws what S3 documents for one that is malformed. */
export function oldClaimOf(request: SignedRequest, nowMs: number): OldClaim | undefined {
  const { headers } = request;
  const header = headers["authorization"];
  const isOldQuery = /[?&](?:AWSAccessKeyId|Signature)=/.test(request.url);
  if (typeof header !== "string") return isOldQuery ? fromQuery(request, nowMs) : undefined;
  if (isOldQuery) throw refuse.twoWays();
  return header.startsWith("AWS ") ? fromHeader(request, header, nowMs) : undefined;
}

function fromHeader({ headers }: SignedRequest, header: string, nowMs: number): OldClaim {
  const match = /^AWS\s+([^:\s]+):(\S+)\s*$/.exec(header);
  if (!match) throw refuse.malformedOldHeader(header);
  const own = headers["x-amz-date"];
  const said = own ?? headers["date"];
  const ms = typeof said === "string" ? dateOf(said) : Number.NaN;
  if (Number.isNaN(ms) || ms < 0) throw refuse.noDate();
  if (Math.abs(nowMs - ms) > skewMsMax) throw refuse.skewed("s3", String(said), nowMs);
  const token = headers["x-amz-security-token"];
  return {
    way: "header",
    accessKeyId: match[1]!,
    signature: match[2]!,
    date: own === undefined ? String(said) : "",
    ...(typeof token === "string" && { sessionToken: token }),
  };
}

function dateOf(said: string): number {
  const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(said);
  if (!compact) return Date.parse(said);
  const [year, month, day, hour, minute, second] = compact.slice(1).map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}

function fromQuery(request: SignedRequest, nowMs: number): OldClaim {
  const given = new Map(pairsOf(request.url));
  const [accessKeyId, signature] = [given.get("AWSAccessKeyId"), given.get("Signature")];
  const expires = given.get("Expires");
  if (!accessKeyId || !signature || !expires) throw refuse.incompleteOldQuery();
  if (!/^-?\d{1,15}$/.test(expires)) throw refuse.badExpires(expires);
  const untilMs = Number(expires) * 1000;
  if (nowMs > untilMs) throw refuse.oldExpired(untilMs, nowMs);
  const token = given.get("x-amz-security-token") ?? request.headers["x-amz-security-token"];
  return {
    way: "query",
    accessKeyId,
    // What a client did not encode comes as a space.
    signature: signature.replaceAll(" ", "+"),
    date: expires,
    ...(typeof token === "string" && { sessionToken: token }),
  };
}

/**
 * What is signed; every character is a byte. `hostBucket` is the bucket that the host names: the resource has it. Some
 * clients, boto3 among them, sign "/bucket/" when they ask for "/bucket": `bucketEnd` is that slash.
 */
export function oldStringToSign(
  request: SignedRequest,
  claim: OldClaim,
  hostBucket: string | undefined,
  bucketEnd: "" | "/" = "",
): string {
  const { method = "GET", url, headers } = request;
  const pairs = pairsOf(url);
  const amz = new Map<string, string>();
  const ofQuery = new Map<string, string>();
  if (claim.way === "query")
    for (const [name, value] of pairs) {
      const lower = name.toLowerCase();
      if (lower.startsWith("x-amz-")) amz.set(lower, bytesOf(value));
      else if (lower === "content-type" || lower === "content-md5")
        ofQuery.set(lower, bytesOf(value));
    }
  for (const name in headers)
    if (name.startsWith("x-amz-")) amz.set(name, everyValue(request, name));
  const said = (name: string) => {
    const value = headers[name];
    return typeof value === "string" ? value.trim() : (ofQuery.get(name) ?? "");
  };
  let lines = "";
  for (const name of [...amz.keys()].toSorted()) lines += `${name}:${amz.get(name)}\n`;
  return `${method}\n${said("content-md5")}\n${said("content-type")}\n${claim.date}\n${lines}${resourceOf(url, pairs, hostBucket, bucketEnd)}`;
}

/** HMAC-SHA1, base 64; of what is signed as bytes, or as letters where a client sent those in Latin-1. */
export function oldSignature(
  secret: string,
  stringToSign: string,
  encoding: "latin1" | "utf8",
): string {
  return createHmac("sha1", secret).update(stringToSign, encoding).digest("base64");
}

function resourceOf(
  url: string,
  pairs: readonly (readonly [string, string | undefined])[],
  hostBucket: string | undefined,
  bucketEnd: "" | "/",
): string {
  const mark = url.indexOf("?");
  const asked = mark < 0 ? url : url.slice(0, mark);
  const path = asked.lastIndexOf("/") > 0 ? asked : asked + bucketEnd;
  const named = pairs
    .filter(([name]) => signedParameters.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => (value === undefined ? name : `${name}=${bytesOf(value)}`));
  const resource = hostBucket === undefined ? path : `/${hostBucket}${path}`;
  return named.length > 0 ? `${resource}?${named.join("&")}` : resource;
}

/**
 * Whether a parameter that tells one operation from another is covered. Of newer ones none is: who holds a presigned address could
 * append them. "list-type" is free, as it lists the same by the same permission.
 */
export function isOldSigned(parameter: string): boolean {
  return parameter === "list-type" || signedParameters.has(parameter);
}

/** The parameters that tell one resource from another, by the documentation and by what clients sign. */
const signedParameters = new Set([
  "accelerate",
  "acl",
  "analytics",
  "cors",
  "defaultObjectAcl",
  "delete",
  "inventory",
  "lifecycle",
  "location",
  "logging",
  "metrics",
  "notification",
  "object-lock",
  "partNumber",
  "policy",
  "replication",
  "requestPayment",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "restore",
  "select",
  "select-type",
  "storageClass",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versionId",
  "versioning",
  "versions",
  "website",
]);

/** Decoded; undefined for a parameter that stands without "=". */
function pairsOf(url: string): [name: string, value: string | undefined][] {
  return queryOf(url)
    .split("&")
    .filter((piece) => piece !== "")
    .map((piece) => {
      const equals = piece.indexOf("=");
      return equals < 0
        ? [decoded(piece), undefined]
        : [decoded(piece.slice(0, equals)), decoded(piece.slice(equals + 1))];
    });
}

/** Text as characters of which each is a byte of its UTF-8. */
function bytesOf(text: string | undefined): string {
  return Buffer.from(text ?? "", "utf8").toString("latin1");
}

function everyValue({ rawHeaders }: SignedRequest, name: string): string {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.toLowerCase() === name)
      values.push(rawHeaders[at + 1]!.trim().replaceAll(/\r?\n\s+/g, " "));
  return values.join(",");
}
