import type { IncomingHttpHeaders } from "node:http";
import type { OperationShapes } from "./protocols/protocol.ts";
import { parameterOf, parametersOf, type Target } from "./target.ts";

/** Where an operation of a REST protocol is found. */
export interface HttpRoute {
  operation: string;
  method: string;
  /** None for "/". */
  segments: readonly Segment[];
  /** Whether its host or path names a bucket first, which its address does not tell. */
  ofBucket: boolean;
  /** Of the query that its address names; "" for whatever value. */
  literals: readonly [name: string, value: string][];
  /** Parameters and headers without which it is another operation. */
  neededParameters: readonly string[];
  neededHeaders: readonly string[];
}

type Segment = { text: string } | { label: string; isGreedy: boolean };

/** By an operation's address in the schema: "/{Key+}?x-id=GetObject", "/?list-type=2". */
export function httpRouteOf(shapes: OperationShapes, method: string, address: string): HttpRoute {
  const { name, input } = shapes;
  const [path = "", query = ""] = address.split("?");
  const segments = path
    .split("/")
    .slice(1)
    .map((part): Segment => {
      const label = /^\{(\w+)(\+?)\}$/.exec(part);
      return label ? { label: label[1]!, isGreedy: label[2] === "+" } : { text: part };
    });
  return {
    operation: name,
    method,
    segments: path === "/" ? [] : segments,
    ofBucket: input.member("Bucket")?.traits.httpLabel === 1,
    // "x-id" is only there to tell people what a call is.
    literals: parametersOf(query).filter(([literal]) => literal !== "x-id"),
    neededParameters: input.members
      .filter(({ isRequired, traits }) => isRequired && traits.httpQuery)
      .map(({ traits }) => traits.httpQuery!),
    neededHeaders: input.members
      .filter(({ isRequired, traits }) => isRequired && traits.httpHeader)
      .map(({ traits }) => traits.httpHeader!.toLowerCase()),
  };
}

/** What a path tells a route's operation, undecoded; undefined when it is another one's. */
export function labelsOf(route: HttpRoute, path: string): Record<string, string> | undefined {
  const parts = path.split("/").slice(1);
  if (parts.at(-1) === "") parts.pop();
  const labels: Record<string, string> = {};
  for (const [index, segment] of route.segments.entries()) {
    const part = parts[index];
    if (part === undefined || part === "") return undefined;
    if ("text" in segment) {
      if (segment.text !== part) return undefined;
    } else if (segment.isGreedy) {
      labels[segment.label] = parts.slice(index).join("/");
      return labels;
    } else labels[segment.label] = part;
  }
  return parts.length === route.segments.length ? labels : undefined;
}

/**
 * How well a request fits a route whose path it has: a route that names parameters goes before one that names
 * none, whatever else is missing; of two, the one that finds what it needs. Below 0 it does not fit.
 */
export function fitOf(route: HttpRoute, target: Target, headers: IncomingHttpHeaders): number {
  let fit = 0;
  for (const [name, value] of route.literals) {
    const given = parameterOf(target.query, name);
    if (given === undefined || (value !== "" && given !== value)) return -1;
    fit += 10;
  }
  for (const name of route.neededParameters) {
    if (parameterOf(target.query, name) !== undefined) fit += 2;
    else if (route.literals.length === 0) return -1;
    else fit -= 1;
  }
  for (const name of route.neededHeaders) {
    if (headers[name] !== undefined) fit += 2;
    else if (route.literals.length === 0) return -1;
    else fit -= 1;
  }
  return fit;
}
