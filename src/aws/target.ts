import { decoded } from "#/access/signatures/encoding.ts";

/** What a request is about, as its first line and its host say it. Plain text cut up, as each request pays for it. */
export interface Target {
  method: string;
  /** Undecoded, without the query. */
  path: string;
  /** Undecoded, without the '?'; "" for none. */
  query: string;
  /** Of S3, decoded: from the path, or from the host. */
  bucket?: string | undefined;
  /** Of S3, decoded; undefined for the bucket itself. */
  key?: string | undefined;
  /** Whether the host named the bucket. */
  isVirtualHost?: boolean;
}

export function targetOf(method: string, url: string): Target {
  const mark = url.indexOf("?");
  if (mark < 0) return { method, path: url, query: "" };
  return { method, path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** What a request line names from the path on, as it is signed: some clients and proxies send the whole address. */
export function withoutOrigin(url: string): string {
  if (url.charCodeAt(0) === 47) return url;
  const origin = /^https?:\/\/[^/?#]*/i.exec(url)?.[0].length ?? 0;
  const rest = url.slice(origin);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/**
 * A parameter of the query, decoded; "" where it stands without a value, undefined where it is absent.
 * The first one when it is there twice.
 */
export function parameterOf(query: string, name: string): string | undefined {
  for (let start = 0; start < query.length;) {
    let end = query.indexOf("&", start);
    if (end < 0) end = query.length;
    const equals = query.indexOf("=", start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (nameEnd - start === name.length ? query.startsWith(name, start) : false)
      return decoded(query.slice(Math.min(nameEnd + 1, end), end));
    // A name that needs no encoding may be encoded all the same.
    const raw = query.slice(start, nameEnd);
    if (raw.includes("%") && decoded(raw) === name)
      return decoded(query.slice(Math.min(nameEnd + 1, end), end));
    start = end + 1;
  }
  return undefined;
}

/** Names of a query, decoded, each with its value. */
export function parametersOf(query: string): [name: string, value: string][] {
  if (query === "") return [];
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) return [decoded(pair), ""];
      return [decoded(pair.slice(0, equals)), decoded(pair.slice(equals + 1))];
    });
}
