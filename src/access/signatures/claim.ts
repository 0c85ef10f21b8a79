import { decoded } from "./encoding.ts";
import { expiresMaxSeconds, refuse } from "./refusals.ts";
import type { Scope } from "./signing-key.ts";
import type { SignedRequest } from "./signed-request.ts";

/** What a request says of its signature, before anything of it is believed. */
export interface Claim {
  way: "header" | "query";
  accessKeyId: string;
  scope: Scope;
  /** "AKIA…/20261123/us-east-1/s3/aws4_request", as it came. */
  credential: string;
  signedHeaders: string;
  signature: string;
  /** "20261123T101112Z" */
  at: string;
  signedAtMs: number;
  /** Of presigned requests. */
  expiresSeconds?: number;
  sessionToken?: string;
}

const algorithm = "AWS4-HMAC-SHA256";
const usual =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

/** The claim of a request; undefined for an anonymous one. Throws what AWS documents for one that is malformed. */
export function claimOf(request: SignedRequest): Claim | undefined {
  const header = request.headers["authorization"];
  const query = queryOf(request.url);
  const isPresigned = query !== "" && /(?:^|&)X-Amz-/.test(query);
  if (typeof header === "string" && header !== "") {
    if (isPresigned && /(?:^|&)X-Amz-(?:Algorithm|Signature)=/.test(query)) throw refuse.twoWays();
    return fromHeader(request, header);
  }
  if (isPresigned) return fromQuery(query);
  return undefined;
}

/** The service and region that a request was signed for, nothing verified: for telling whose call it is. */
export function scopeOf(request: SignedRequest): Scope | undefined {
  const header = request.headers["authorization"];
  const text =
    typeof header === "string"
      ? /Credential=([^,\s]+)/.exec(header)?.[1]
      : decoded(/(?:[?&])X-Amz-Credential=([^&]*)/.exec(request.url)?.[1] ?? "");
  const [, day, region, service] = (text ?? "").split("/").slice(-5);
  return day !== undefined && region !== undefined && service !== undefined
    ? { day, region, service }
    : undefined;
}

export function queryOf(url: string): string {
  const mark = url.indexOf("?");
  return mark < 0 ? "" : url.slice(mark + 1);
}

function fromHeader(request: SignedRequest, header: string): Claim {
  checkScheme(header);
  const date = dateOf(request);
  const match = usual.exec(header);
  const claim = match
    ? {
        accessKeyId: match[1]!,
        scope: { day: match[2]!, region: match[3]!, service: match[4]! },
        credential: header.slice(header.indexOf("=") + 1, header.indexOf(",")),
        signedHeaders: match[5]!,
        signature: match[6]!,
      }
    : fromUnusualHeader(header);
  const { accessKeyId, scope, credential, signedHeaders, signature } = claim;
  if (date.at.slice(0, 8) !== scope.day)
    throw refuse.malformedHeader(
      scope.service,
      `Invalid credential date "${scope.day}". This date is not the same as X-Amz-Date: "${date.at.slice(0, 8)}".`,
    );
  const token = request.headers["x-amz-security-token"];
  return {
    way: "header",
    accessKeyId,
    scope,
    credential,
    signedHeaders,
    signature,
    at: date.at,
    signedAtMs: date.ms,
    ...(typeof token === "string" && { sessionToken: token }),
  };
}

function checkScheme(header: string): void {
  if (header.startsWith(`${algorithm} `)) return;
  const scheme = header.trim().split(/\s/, 1)[0]!;
  if (scheme !== algorithm)
    throw scheme.startsWith("AWS") ? refuse.oldVersion() : refuse.unsupportedType(header);
}

/** The same in another order, with other spaces; or the sentence that says what is wrong. */
function fromUnusualHeader(header: string) {
  const [, rest] = header.trim().split(/\s+(.*)/s) as [string, string?];
  const fields = new Map<string, string>();
  for (const piece of (rest ?? "").split(",")) {
    const equals = piece.indexOf("=");
    if (equals > 0) fields.set(piece.slice(0, equals).trim(), piece.slice(equals + 1).trim());
  }
  const credential = fields.get("Credential");
  const service = credential?.split("/").at(-2) ?? "s3";
  if (!credential) throw refuse.malformedHeader(service, "missing Credential");
  const signedHeaders = fields.get("SignedHeaders");
  if (!signedHeaders) throw refuse.malformedHeader(service, "missing SignedHeaders");
  const signature = fields.get("Signature");
  if (!signature) throw refuse.malformedHeader(service, "missing Signature");
  return {
    ...credentialOf(credential, refuse.malformedHeader),
    credential,
    signedHeaders,
    signature,
  };
}

export function credentialOf(
  credential: string,
  malformed: (service: string, reason: string) => Error,
): { accessKeyId: string; scope: Scope } {
  const parts = credential.split("/");
  if (parts.length < 5)
    throw malformed(
      parts.at(-2) ?? "s3",
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  const [day, region, service, end] = parts.slice(-4) as [string, string, string, string];
  if (end !== "aws4_request")
    throw malformed(service, `incorrect terminal "${end}". This endpoint uses "aws4_request".`);
  if (!/^\d{8}$/.test(day))
    throw malformed(
      service,
      `incorrect date format "${day}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  return { accessKeyId: parts.slice(0, -4).join("/"), scope: { day, region, service } };
}

function fromQuery(query: string): Claim {
  const given = new Map<string, string>();
  for (const piece of query.split("&")) {
    if (!piece.startsWith("X-Amz-")) continue;
    const equals = piece.indexOf("=");
    if (equals > 0) given.set(piece.slice(0, equals), decoded(piece.slice(equals + 1)));
  }
  const credential = given.get("X-Amz-Credential");
  const service = credential?.split("/").at(-2) ?? "s3";
  const malformed = refuse.malformedQuery;
  const named = given.get("X-Amz-Algorithm");
  const [signature, at] = [given.get("X-Amz-Signature"), given.get("X-Amz-Date")];
  const [signedHeaders, expires] = [given.get("X-Amz-SignedHeaders"), given.get("X-Amz-Expires")];
  if (named === undefined && signature === undefined && credential === undefined)
    throw malformed(service, missingParameters);
  if (!named || !credential || !signature || !at || !signedHeaders || expires === undefined)
    throw malformed(service, missingParameters);
  if (named !== algorithm)
    throw malformed(
      service,
      'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"',
    );
  const parts = credentialOf(credential, malformed);
  const ms = momentOf(at);
  if (ms === undefined)
    throw malformed(
      service,
      "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    );
  if (at.slice(0, 8) !== parts.scope.day)
    throw malformed(
      service,
      `Invalid credential date "${parts.scope.day}". This date is not the same as X-Amz-Date: "${at.slice(0, 8)}".`,
    );
  const expiresSeconds = Number(expires);
  if (!/^-?\d+$/.test(expires)) throw malformed(service, "X-Amz-Expires should be a number");
  if (expiresSeconds < 0) throw malformed(service, "X-Amz-Expires must be non-negative");
  if (expiresSeconds > expiresMaxSeconds)
    throw malformed(
      service,
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${expiresMaxSeconds} seconds`,
    );
  const token = given.get("X-Amz-Security-Token");
  return {
    way: "query",
    ...parts,
    credential,
    signedHeaders,
    signature,
    at,
    signedAtMs: ms,
    expiresSeconds,
    ...(token !== undefined && { sessionToken: token }),
  };
}

const missingParameters =
  "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";

/** When a request says that it was signed: "x-amz-date", else "date". */
function dateOf({ headers }: SignedRequest): { at: string; ms: number } {
  const own = headers["x-amz-date"];
  if (typeof own === "string") {
    const ms = momentOf(own);
    if (ms !== undefined) return { at: own, ms };
  }
  const date = headers["date"];
  if (typeof date === "string") {
    const ms = momentOf(date) ?? Date.parse(date);
    if (!Number.isNaN(ms)) return { at: compactOf(ms), ms };
  }
  throw refuse.noDate();
}

/** Most requests of a busy second were signed in the same one. */
let lastMoment: { at: string; ms: number | undefined } = { at: "", ms: undefined };

/** "20261123T101112Z" as milliseconds. */
export function momentOf(at: string): number | undefined {
  if (at !== lastMoment.at) lastMoment = { at, ms: parseMoment(at) };
  return lastMoment.ms;
}

function parseMoment(at: string): number | undefined {
  if (at.length !== 16 || !/^\d{8}T\d{6}Z$/.test(at)) return undefined;
  const two = (from: number) => Number(at.slice(from, from + 2));
  const ms = Date.UTC(Number(at.slice(0, 4)), two(4) - 1, two(6), two(9), two(11), two(13));
  return two(4) >= 1 && two(4) <= 12 && two(6) >= 1 && two(6) <= 31 && two(9) < 24 ? ms : undefined;
}

function compactOf(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:]/g, "").slice(0, 15)}Z`;
}
