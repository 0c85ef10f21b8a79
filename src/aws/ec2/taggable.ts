import { AwsError } from "#/model/aws-error.ts";
import type { AnyRecord, RecordOfKind } from "#/model/record.ts";
import type { AwsContext } from "../call.ts";
import { absent, type OwnKind } from "./own.ts";

/** Kinds of records that have tags, by how their ids begin, and what EC2 calls them. */
const kinds = {
  i: ["instance", "instance"],
  vol: ["volume", "volume"],
  snap: ["snapshot", "snapshot"],
  ami: ["image", "image"],
  vpc: ["vpc", "vpc"],
  subnet: ["subnet", "subnet"],
  sg: ["security-group", "security-group"],
  eipalloc: ["address", "elastic-ip"],
  sir: ["spot-request", "spot-instances-request"],
  key: ["key-pair", "key-pair"],
  pg: ["placement-group", "placement-group"],
  lt: ["launch-template", "launch-template"],
} as const;

type TaggedKind = (typeof kinds)[keyof typeof kinds][0];
export type Tagged = RecordOfKind<TaggedKind>;

/** As EC2 names a thing: by its id. */
export const idOf = (record: Tagged): string =>
  record.kind === "key-pair" || record.kind === "placement-group" ? record.spec.id : record.name;

/** What EC2 calls things of that kind. */
export const typeOf = (record: Tagged): string =>
  Object.values(kinds).find(([kind]) => kind === record.kind)![1];

/** What EC2 calls what has such an id. */
export const typeOfId = (id: string): string | undefined => kindOfId(id)?.[1];

/** Undefined for what is no id of anything that has tags, and for what is not there. */
export function taggedIfThere(id: string, context: AwsContext): Tagged | undefined {
  const known = kindOfId(id);
  const found = known && find(known[0], id, context);
  return found?.project === context.caller.project ? found : undefined;
}

function kindOfId(id: string): (typeof kinds)[keyof typeof kinds] | undefined {
  const prefix = id.slice(0, Math.max(0, id.indexOf("-")));
  return Object.hasOwn(kinds, prefix) ? kinds[prefix as keyof typeof kinds] : undefined;
}

/** Everything of the caller's project that may have tags. */
export function* allTagged({ parts, caller }: AwsContext): Generator<Tagged> {
  for (const [kind] of Object.values(kinds))
    for (const record of parts.space.all(kind) as Iterable<Tagged>)
      if (record.project === caller.project) yield record;
}

/** Throws "InvalidID" for what is no id, and each kind's own error for one that is not there. */
export function tagged(id: string, context: AwsContext): Tagged {
  const known = kindOfId(id);
  if (!known) throw new AwsError("InvalidID", 400, `The ID '${id.slice(0, 100)}' is not valid`);
  const found = taggedIfThere(id, context);
  if (found) return found;
  const [kind] = known;
  if (kind === "placement-group")
    throw new AwsError("InvalidPlacementGroupId.NotFound", 400, `The ID '${id}' does not exist`);
  if (kind !== "key-pair") throw absent(kind satisfies OwnKind, [id]);
  throw new AwsError("InvalidKeyPair.NotFound", 400, `The key pair '${id}' does not exist`);
}

function find(kind: TaggedKind, id: string, { parts, caller }: AwsContext): Tagged | undefined {
  if (kind !== "key-pair" && kind !== "placement-group") return parts.space.get(kind, id);
  const all: Iterable<RecordOfKind<"key-pair" | "placement-group">> = parts.space.all(kind);
  return [...all].find(({ project, spec }) => project === caller.project && spec.id === id);
}

/** The same thing with other tags. */
export function withTags(record: Tagged, tags: Readonly<Record<string, string>>): AnyRecord {
  return { ...record, spec: { ...record.spec, tags } } as Tagged;
}
