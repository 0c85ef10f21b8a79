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

/** Everything of the caller's project that may have tags. */
export function* allTagged({ parts, caller }: AwsContext): Generator<Tagged> {
  for (const [kind] of Object.values(kinds))
    for (const record of parts.space.all(kind) as Iterable<Tagged>)
      if (record.project === caller.project) yield record;
}

/** Throws "InvalidID" for what is no id, and each kind's own error for one that is not there. */
export function tagged(id: string, context: AwsContext): Tagged {
  const prefix = id.slice(0, Math.max(0, id.indexOf("-")));
  if (!Object.hasOwn(kinds, prefix))
    throw new AwsError("InvalidID", 400, `The ID '${id.slice(0, 100)}' is not valid`);
  const [kind] = kinds[prefix as keyof typeof kinds];
  const found = find(kind, id, context);
  if (found?.project === context.caller.project) return found;
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
