import type { IncomingHttpHeaders } from "node:http";
import type { WriteCondition } from "#/objects/object-store.ts";
import { headerNotImplemented, preconditionFailed } from "../errors.ts";

interface Found {
  etag: string;
  modifiedMs: number;
}

/**
 * Whether a read may go on, by RFC 9110's order as S3 keeps it: If-Match rules out If-Unmodified-Since, If-None-Match
 * rules out If-Modified-Since. True when the client has it already (304). Throws "PreconditionFailed".
 */
export function isUnchanged(headers: IncomingHttpHeaders, found: Found): boolean {
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined) {
    if (!isSurelyAmong(ifMatch, found.etag)) throw preconditionFailed("If-Match");
  } else if (isModifiedAfter(headers["if-unmodified-since"], found))
    throw preconditionFailed("If-Unmodified-Since");
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch !== undefined) return isAmong(ifNoneMatch, found.etag);
  const since = headers["if-modified-since"];
  return isDate(since) && !isModifiedAfter(since, found);
}

/** Whether a client that has a part of an object may have the rest of the same: "If-Range". */
export function isSameAsBefore(ifRange: unknown, { etag, modifiedMs }: Found): boolean {
  if (typeof ifRange !== "string") return true;
  const at = Date.parse(ifRange);
  if (ifRange.startsWith('"') || Number.isNaN(at)) return bare(ifRange) === etag;
  return Math.floor(modifiedMs / 1000) === Math.floor(at / 1000);
}

const source = "x-amz-copy-source-";

/** The same of what is copied: there is nothing that a client might have already. Throws "PreconditionFailed". */
export function checkSourceConditions(headers: IncomingHttpHeaders, found: Found): void {
  const ifMatch = headerOf(headers, `${source}if-match`);
  if (ifMatch !== undefined) {
    if (!isSurelyAmong(ifMatch, found.etag)) throw preconditionFailed(`${source}If-Match`);
  } else if (isModifiedAfter(headerOf(headers, `${source}if-unmodified-since`), found))
    throw preconditionFailed(`${source}If-Unmodified-Since`);
  const ifNoneMatch = headerOf(headers, `${source}if-none-match`);
  if (ifNoneMatch !== undefined) {
    if (isAmong(ifNoneMatch, found.etag)) throw preconditionFailed(`${source}If-None-Match`);
    return;
  }
  const since = headerOf(headers, `${source}if-modified-since`);
  if (isDate(since) && !isModifiedAfter(since, found))
    throw preconditionFailed(`${source}If-Modified-Since`);
}

/** Of a write; undefined when it has none. Throws "NotImplemented" for what S3 has no write for. */
export function writeCondition(headers: IncomingHttpHeaders): WriteCondition | undefined {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  // Who would append must not replace what is there.
  if (headers["x-amz-write-offset-bytes"] !== undefined)
    throw headerNotImplemented("x-amz-write-offset-bytes");
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  if (ifNoneMatch !== undefined && (ifNoneMatch !== "*" || ifMatch !== undefined))
    throw headerNotImplemented("If-None-Match");
  return ifMatch === undefined ? { ifNoneMatch: "*" } : { ifMatch: bare(ifMatch) };
}

/** An ETag without quotes. */
export function bare(etag: string): string {
  const trimmed = etag.trim();
  return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')
    ? trimmed.slice(1, -1)
    : trimmed;
}

/** By the strong comparison of RFC 9110: a weak tag is like no other. */
function isSurelyAmong(list: string, etag: string): boolean {
  return list === "*" || list.split(",").some((one) => bare(one) === etag);
}

function isAmong(list: string, etag: string): boolean {
  if (list === "*") return true;
  return list.split(",").some((one) => bare(one.trim().replace(/^W\//, "")) === etag);
}

const isDate = (text: string | undefined): boolean =>
  text !== undefined && !Number.isNaN(Date.parse(text));

/** By seconds, as HTTP tells times. What is no date is no condition. */
function isModifiedAfter(text: string | undefined, { modifiedMs }: Found): boolean {
  if (text === undefined) return false;
  const at = Date.parse(text);
  return !Number.isNaN(at) && Math.floor(modifiedMs / 1000) > Math.floor(at / 1000);
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
