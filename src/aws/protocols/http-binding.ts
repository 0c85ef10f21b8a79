import type { IncomingHttpHeaders } from "node:http";
import { Unreadable, scalarOf, scalarText } from "../schema/scalars.ts";
import type { Member, Shape } from "../schema/shape.ts";
import { parameterOf, parametersOf } from "../target.ts";
import type { Incoming } from "./protocol.ts";

/** Where members of an input or an output stand in an HTTP message; read once for each shape. */
interface Bindings {
  headers: Member[];
  prefixed: Member[];
  query: Member[];
  restOfQuery: Member | undefined;
  labels: Member[];
  payload: Member | undefined;
  status: Member | undefined;
  /** Those that are in the document of the body. */
  body: Member[];
}

const known = new WeakMap<Shape, Bindings>();

export function bindingsOf(shape: Shape): Bindings {
  let bindings = known.get(shape);
  if (bindings) return bindings;
  bindings = {
    headers: [],
    prefixed: [],
    query: [],
    restOfQuery: undefined,
    labels: [],
    payload: undefined,
    status: undefined,
    body: [],
  };
  for (const member of shape.members) {
    const { traits } = member;
    if (traits.httpLabel) bindings.labels.push(member);
    else if (traits.httpHeader !== undefined) bindings.headers.push(member);
    else if (traits.httpPrefixHeaders !== undefined) bindings.prefixed.push(member);
    else if (traits.httpQuery !== undefined) bindings.query.push(member);
    else if (traits.httpQueryParams) bindings.restOfQuery = member;
    else if (traits.httpPayload) bindings.payload = member;
    else if (traits.httpResponseCode) bindings.status = member;
    else bindings.body.push(member);
  }
  known.set(shape, bindings);
  return bindings;
}

/** Members that stand in the head of a request. Throws Unreadable, naming the header or the parameter. */
export function readHead(
  shape: Shape,
  { target, headers, labels }: Incoming,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  const bindings = bindingsOf(shape);
  for (const { name, shape: of } of bindings.labels) {
    const text = labels?.[name];
    if (text !== undefined) read[name] = named(name, () => scalarOf(of, text));
  }
  for (const member of bindings.query) {
    const parameter = member.traits.httpQuery!;
    if (target.query === "") break;
    if (member.shape.type === "list") {
      const all = parametersOf(target.query).filter(([name]) => name === parameter);
      if (all.length > 0)
        read[member.name] = all.map(([, text]) =>
          named(parameter, () => scalarOf(member.shape.value.shape, text)),
        );
      continue;
    }
    const text = parameterOf(target.query, parameter);
    // A number or a time that is empty is none; only text may be.
    if (text === undefined || (text === "" && member.shape.type !== "string")) continue;
    read[member.name] = named(parameter, () => scalarOf(member.shape, text));
  }
  if (bindings.restOfQuery) {
    const taken = new Set(bindings.query.map(({ traits }) => traits.httpQuery));
    read[bindings.restOfQuery.name] = Object.fromEntries(
      parametersOf(target.query).filter(([name]) => !taken.has(name)),
    );
  }
  readHeaders(bindings, headers, read);
  return read;
}

function readHeaders(
  bindings: Bindings,
  headers: IncomingHttpHeaders,
  read: Record<string, unknown>,
): void {
  for (const member of bindings.headers) {
    const header = member.traits.httpHeader!;
    const text = headers[header.toLowerCase()];
    if (text === undefined || text === "") continue;
    const joined = Array.isArray(text) ? text.join(", ") : text;
    read[member.name] = named(header, () =>
      member.shape.type === "list"
        ? listItems(member.shape.value.shape, joined).map((item) =>
            scalarOf(member.shape.value.shape, item),
          )
        : scalarOf(member.shape, member.traits.mediaType ? decodedMedia(joined) : joined),
    );
  }
  for (const member of bindings.prefixed) {
    const prefix = member.traits.httpPrefixHeaders!.toLowerCase();
    const found: [string, string][] = [];
    for (const name in headers)
      if (name.startsWith(prefix)) found.push([name.slice(prefix.length), String(headers[name])]);
    if (found.length > 0) read[member.name] = Object.fromEntries(found);
  }
}

/** Items of a list in a header: quoted ones may have commas, and dates of HTTP have one each. */
function listItems(item: Shape, text: string): string[] {
  if (item.type === "timestamp" && item.timeFormat !== "date-time") {
    const halves = text.split(",");
    return halves
      .filter((_, index) => index % 2 === 0)
      .map((half, index) => `${half},${halves[2 * index + 1] ?? ""}`);
  }
  return (text.match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? [])
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) =>
      part.startsWith('"') && part.endsWith('"') && part.length > 1
        ? part.slice(1, -1).replaceAll(/\\(.)/g, "$1")
        : part,
    );
}

const decodedMedia = (text: string) => Buffer.from(text, "base64").toString();

function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Unreadable) throw new Unreadable(`${name}: ${thrown.message}`);
    throw thrown;
  }
}

/** Headers and status that an output gives. */
export function writeHead(
  shape: Shape,
  output: Record<string, unknown>,
  status: number,
): { status: number; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  const bindings = bindingsOf(shape);
  for (const { name, shape: of, traits } of bindings.headers) {
    const value = output[name];
    if (value === undefined || value === null) continue;
    headers[traits.httpHeader!.toLowerCase()] =
      of.type === "list"
        ? [...(value as Iterable<unknown>)]
            .map((item) => quoted(of.value.shape, scalarText(of.value.shape, item, "http-date")))
            .join(", ")
        : traits.mediaType
          ? Buffer.from(String(value)).toString("base64")
          : scalarText(of, value, "http-date");
  }
  for (const { name, traits } of bindings.prefixed)
    for (const [key, value] of Object.entries((output[name] ?? {}) as object))
      headers[`${traits.httpPrefixHeaders!.toLowerCase()}${key}`] = String(value);
  const own = bindings.status && output[bindings.status.name];
  return { status: typeof own === "number" ? own : status, headers };
}

function quoted(item: Shape, text: string): string {
  if (item.type !== "string" || !/[",]/.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
