import type { ObjectMarks, ObjectVersion } from "#/objects/object-version.ts";
import type { ObjectCall } from "../call.ts";
import { accessDenied, methodNotAllowed } from "../errors.ts";
import { mayDo, missing } from "../permission.ts";
import { requireRoomToTell, tell } from "../tell.ts";

type Marking =
  | "PutObjectTagging"
  | "DeleteObjectTagging"
  | "PutObjectAcl"
  | "PutObjectRetention"
  | "PutObjectLegalHold";

type Marks = { [Name in keyof ObjectMarks]: ObjectMarks[Name] | null };

const events: Partial<Record<Marking, string>> = {
  PutObjectTagging: "ObjectTagging:Put",
  DeleteObjectTagging: "ObjectTagging:Delete",
  PutObjectAcl: "ObjectAcl:Put",
};

const versioned = new Set<string>(["PutObjectTagging", "DeleteObjectTagging", "PutObjectAcl"]);

/**
 * That the caller may do it with some document, before theirs is read; `unknown` names the condition keys that it will
 * have. Throws "AccessDenied".
 */
export async function demandMark(
  { context, bucket, key, store, place }: ObjectCall,
  versionId: string | undefined,
  action: Marking | "RestoreObject",
  unknown: readonly string[] = [],
): Promise<void> {
  const found = await store.find(place, versionId);
  const asked = { found, versionId, unknown: { conditions: unknown } };
  if (!mayDo(context, bucket, actionOf(action, versionId), key, asked)) throw accessDenied();
}

function actionOf(action: Marking | "RestoreObject", versionId: string | undefined): string {
  const isVersioned = versionId !== undefined && versioned.has(action);
  return isVersioned ? action.replace("Object", "ObjectVersion") : action;
}

/** Changes what can change of an object. Throws "AccessDenied", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed" of a marker. */
export async function markObject(
  call: ObjectCall,
  versionId: string | undefined,
  action: Marking,
  marks: Marks | ((found: ObjectVersion) => Marks),
  asked: {
    conditions?: Record<string, string | readonly string[]> | undefined;
    mayBypassGovernance?: boolean;
  } = {},
): Promise<ObjectVersion> {
  const { context, bucket, key, store, place } = call;
  const found = await store.find(place, versionId);
  const name = actionOf(action, versionId);
  const { conditions } = asked;
  if (!mayDo(context, bucket, name, key, { found, versionId, conditions })) throw accessDenied();
  if (!found) throw missing(context, bucket, key, versionId);
  if ("isDeleteMarker" in found) {
    if (versionId === undefined) throw missing(context, bucket, key);
    throw methodNotAllowed(context.target.method, "DeleteMarker");
  }
  const made = typeof marks === "function" ? marks(found) : marks;
  const event = events[action];
  if (event !== undefined) requireRoomToTell(call, event);
  const marked = await store.mark(place, found.versionId, made, {
    ...(asked.mayBypassGovernance && { mayBypassGovernance: true }),
  });
  if (event !== undefined) await tell(call, event, marked);
  return marked;
}
