import { createHash, createHmac } from "node:crypto";

/**
 * Signature Version 4 as a client makes it, for S3: the path is encoded once and not normalised.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface SignedCall {
  method: string;
  /** Scheme and host: "https://s3.example.org". */
  origin: string;
  /** Encoded, from "/" on. */
  path: string;
  query: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
}

const algorithm = "AWS4-HMAC-SHA256";
export const unsignedPayload = "UNSIGNED-PAYLOAD";

/** The call's headers with its signature. `payload` is the SHA-256 of its body in hexadecimal, or that it is not signed. */
export function signedHeaders(
  call: SignedCall,
  payload: string,
  by: { credentials: Credentials; region: string; nowMs: number },
): Record<string, string> {
  const { credentials, region } = by;
  const date = dateOf(by.nowMs);
  const headers: Record<string, string> = {
    ...call.headers,
    host: hostOf(call.origin),
    "x-amz-date": date,
    "x-amz-content-sha256": payload,
    ...(credentials.sessionToken !== undefined && {
      "x-amz-security-token": credentials.sessionToken,
    }),
  };
  const names = Object.keys(headers).sort();
  const scope = scopeOf(date, region);
  const signature = signatureOf(
    { ...call, headers },
    { names, payload, date, scope, credentials, region },
  );
  headers["authorization"] =
    `${algorithm} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}

/** An address that does that call, for whoever has it, until it expires. */
export function presignedUrl(
  call: SignedCall,
  by: { credentials: Credentials; region: string; nowMs: number; expiresMs: number },
): string {
  const { credentials, region } = by;
  const date = dateOf(by.nowMs);
  const scope = scopeOf(date, region);
  const headers = { ...call.headers, host: hostOf(call.origin) };
  const names = Object.keys(headers).sort();
  const query: Record<string, string> = {
    ...call.query,
    "X-Amz-Algorithm": algorithm,
    "X-Amz-Credential": `${credentials.accessKeyId}/${scope}`,
    "X-Amz-Date": date,
    "X-Amz-Expires": String(Math.floor(by.expiresMs / 1000)),
    "X-Amz-SignedHeaders": names.join(";"),
    ...(credentials.sessionToken !== undefined && {
      "X-Amz-Security-Token": credentials.sessionToken,
    }),
  };
  const signature = signatureOf(
    { ...call, query, headers },
    { names, payload: unsignedPayload, date, scope, credentials, region },
  );
  return `${call.origin}${call.path}?${queryText(query)}&X-Amz-Signature=${signature}`;
}

/** Names and values in the order and the encoding that are signed. */
export function queryText(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .map((name) => `${encoded(name)}=${encoded(query[name]!)}`)
    .sort()
    .join("&");
}

/** As RFC 3986 has it: all but letters, digits and "-._~". */
export function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

interface Terms {
  names: string[];
  payload: string;
  date: string;
  scope: string;
  credentials: Credentials;
  region: string;
}

function signatureOf(call: SignedCall, terms: Terms): string {
  const canonical = [
    call.method,
    call.path,
    queryText(call.query),
    ...terms.names.map((name) => `${name}:${call.headers[name]!.trim().replace(/ +/g, " ")}`),
    "",
    terms.names.join(";"),
    terms.payload,
  ].join("\n");
  const text = [algorithm, terms.date, terms.scope, sha256(canonical)].join("\n");
  let key: Buffer | string = `AWS4${terms.credentials.secretAccessKey}`;
  for (const part of terms.scope.split("/")) key = hmac(key, part);
  return hmac(key, text).toString("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}

function scopeOf(date: string, region: string): string {
  return `${date.slice(0, 8)}/${region}/s3/aws4_request`;
}

function hostOf(origin: string): string {
  return origin.slice(origin.indexOf("//") + 2);
}
