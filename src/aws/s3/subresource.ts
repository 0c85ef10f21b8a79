import type { HttpRoute } from "../http-routes.ts";
import type { Schemas } from "../schemas.ts";
import { parametersOf, type Target } from "../target.ts";
import { invalidArgument, methodNotAllowed } from "./errors.ts";

const methods = ["GET", "HEAD", "PUT", "POST", "DELETE"] as const;

type Level = "OBJECT" | "BUCKET";

/** Methods of each part that objects or buckets have beside themselves: "acl", "tagging". */
type Subresources = ReadonlyMap<string, readonly string[]>;

const known = new WeakMap<Schemas, Record<Level, Subresources>>();

/**
 * The part of an object or a bucket that a query names. Whoever asks for one means it, so that a method that it does not know is never
 * taken for one of the whole: "DELETE /photos?acl" removes no bucket. Throws "InvalidArgument" when two are named.
 */
export function subresourceOf(
  { query, bucket, key }: Target,
  schemas: Schemas,
): string | undefined {
  if (query === "" || bucket === undefined) return undefined;
  const all = subresourcesOf(schemas)[levelOf(key)];
  const named = new Set<string>();
  for (const [name] of parametersOf(query)) if (all.has(name)) named.add(name);
  if (named.size < 2) return [...named][0];
  const names = [...named].toSorted();
  throw invalidArgument(
    `Conflicting query string parameters: ${names.join(", ")}`,
    "ResourceType",
    names[0],
  );
}

/** "MethodNotAllowed" of a part that has no such method, with those that it has. */
export function notOfSubresource(name: string, { method, key }: Target, schemas: Schemas) {
  const level = levelOf(key);
  const allow = subresourcesOf(schemas)[level].get(name)?.join(", ") ?? "";
  return methodNotAllowed(method, level, { allow });
}

const levelOf = (key: string | undefined): Level => (key === undefined ? "BUCKET" : "OBJECT");

function subresourcesOf(schemas: Schemas): Record<Level, Subresources> {
  let found = known.get(schemas);
  if (!found) {
    found = {
      OBJECT: subresourcesAt(schemas, ({ segments }) => segments.length > 0),
      BUCKET: subresourcesAt(
        schemas,
        ({ segments, ofBucket }) => segments.length === 0 && ofBucket,
      ),
    };
    known.set(schemas, found);
  }
  return found;
}

function subresourcesAt(schemas: Schemas, isThere: (route: HttpRoute) => boolean): Subresources {
  const found = new Map<string, string[]>();
  for (const method of methods)
    for (const route of schemas.routes(method))
      for (const [name, value] of isThere(route) ? route.literals : []) {
        if (value !== "") continue;
        const its = found.get(name) ?? [];
        if (!its.includes(method)) found.set(name, [...its, method]);
      }
  return found;
}
