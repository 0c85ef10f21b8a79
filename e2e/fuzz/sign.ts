import { createHash, createHmac } from "node:crypto";

/** A request as it is meant; signed and then written to the wire by `rawOf`. Nothing here is shared with the product. */
export interface Wanted {
  method: string;
  /** As it stands in the request line, without the query. */
  path: string;
  query: [name: string, value: string][];
  headers: [name: string, value: string][];
  body: Buffer;
  service: string;
}

export interface Key {
  id: string;
  secret: string;
}

const hash = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
const hmac = (key: Buffer | string, text: string) =>
  createHmac("sha256", key).update(text).digest();
export const emptyHash = hash("");

const escape = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const isoOf = (atMs: number) => new Date(atMs).toISOString().replace(/[:-]|\.\d{3}/g, "");

/** What chunks of a streamed body go on from. */
export interface Signed {
  wanted: Wanted;
  key: Buffer;
  date: string;
  scope: string;
  signature: string;
}

function scopeOf(date: string, service: string): string {
  return `${date.slice(0, 8)}/us-east-1/${service}/aws4_request`;
}

function keyOf({ secret }: Key, scope: string): Buffer {
  let key: Buffer | string = `AWS4${secret}`;
  for (const part of scope.split("/")) key = hmac(key, part);
  return key as Buffer;
}

/** With headers, as most clients do. */
export function signed(
  wanted: Wanted,
  by: Key,
  host: string,
  more: { payload?: string; atMs?: number } = {},
): Signed {
  const date = isoOf(more.atMs ?? Date.now());
  const payload = more.payload ?? hash(wanted.body);
  const headers: [string, string][] = [
    ...wanted.headers,
    ["host", host],
    ["x-amz-date", date],
    ["x-amz-content-sha256", payload],
  ];
  const scope = scopeOf(date, wanted.service);
  const names = [...new Set(headers.map(([name]) => name.toLowerCase()))].sort();
  const canonical = canonicalOf(wanted, wanted.query, headers, names, payload);
  const key = keyOf(by, scope);
  const signature = hmac(
    key,
    ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n"),
  ).toString("hex");
  headers.push([
    "authorization",
    `AWS4-HMAC-SHA256 Credential=${by.id}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  ]);
  return { wanted: { ...wanted, headers }, key, date, scope, signature };
}

/** In the query, as addresses that are handed on. */
export function presigned(
  wanted: Wanted,
  by: Key,
  host: string,
  expires: string,
  atMs = Date.now(),
): Wanted {
  const date = isoOf(atMs);
  const scope = scopeOf(date, wanted.service);
  const query: [string, string][] = [
    ...wanted.query,
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${by.id}/${scope}`],
    ["X-Amz-Date", date],
    ["X-Amz-Expires", expires],
    ["X-Amz-SignedHeaders", "host"],
  ];
  const headers: [string, string][] = [...wanted.headers, ["host", host]];
  const canonical = canonicalOf(wanted, query, headers, ["host"], "UNSIGNED-PAYLOAD");
  const text = ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n");
  query.push(["X-Amz-Signature", hmac(keyOf(by, scope), text).toString("hex")]);
  return { ...wanted, query, headers };
}

function canonicalOf(
  { method, path, service }: Wanted,
  query: Wanted["query"],
  headers: [string, string][],
  names: string[],
  payload: string,
): string {
  return [
    method,
    service === "s3" ? path : escape(path).replaceAll("%2F", "/"),
    query
      .map(([name, value]) => `${escape(name)}=${escape(value)}`)
      .sort()
      .join("&"),
    ...names.map((name) => {
      const values = headers.filter(([one]) => one.toLowerCase() === name);
      return `${name}:${values.map(([, value]) => value.trim().replace(/ +/g, " ")).join(",")}`;
    }),
    "",
    names.join(";"),
    payload,
  ].join("\n");
}

/** A body in signed chunks, with a trailer where one is given. */
export function chunked(
  { key, date, scope, signature }: Signed,
  pieces: Buffer[],
  trailer?: [name: string, value: string],
): Buffer[] {
  const parts: Buffer[] = [];
  let before = signature;
  for (const piece of [...pieces, Buffer.alloc(0)]) {
    const text = ["AWS4-HMAC-SHA256-PAYLOAD", date, scope, before, emptyHash, hash(piece)].join(
      "\n",
    );
    before = hmac(key, text).toString("hex");
    const end = piece.length === 0 ? (trailer ? "" : "\r\n") : "\r\n";
    parts.push(
      Buffer.concat([
        Buffer.from(`${piece.length.toString(16)};chunk-signature=${before}\r\n`),
        piece,
        Buffer.from(end),
      ]),
    );
  }
  if (trailer) {
    const line = `${trailer[0]}:${trailer[1]}\n`;
    const text = ["AWS4-HMAC-SHA256-TRAILER", date, scope, before, hash(line)].join("\n");
    const last = hmac(key, text).toString("hex");
    parts.push(
      Buffer.from(`${trailer[0]}:${trailer[1]}\r\nx-amz-trailer-signature:${last}\r\n\r\n`),
    );
  }
  return parts;
}

export function rawOf({ method, path, query, headers, body }: Wanted): Buffer {
  const text = query.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
  const lines = [
    `${method} ${path}${text === "" ? "" : `?${text}`} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
