import type { ObjectVersion } from "#/objects/object-version.ts";
import { versionIdOf, type ObjectCall } from "../call.ts";
import { mayDo } from "../permission.ts";

/**
 * How many tags an object has, and what locks it: each is told to whom it may be told, and kept from others, whose read goes on. Nothing is
 * asked about an object that has none.
 */
export function markHeaders(
  headers: Record<string, string | number>,
  call: ObjectCall,
  found: ObjectVersion,
): void {
  const { tags, retention, hasLegalHold } = found;
  if (tags) {
    const count = Object.keys(tags).length;
    if (count > 0 && mayLearn("Tagging", call, found)) headers["x-amz-tagging-count"] = count;
  }
  if (retention && mayLearn("Retention", call, found)) {
    headers["x-amz-object-lock-mode"] = retention.mode;
    headers["x-amz-object-lock-retain-until-date"] = new Date(retention.untilMs).toISOString();
  }
  if (hasLegalHold !== undefined && mayLearn("LegalHold", call, found))
    headers["x-amz-object-lock-legal-hold"] = hasLegalHold ? "ON" : "OFF";
}

function mayLearn(
  what: "Tagging" | "Retention" | "LegalHold",
  call: ObjectCall,
  found: ObjectVersion,
): boolean {
  const { context, bucket, key } = call;
  const versionId = versionIdOf(call);
  const isOfVersion = versionId !== undefined && what === "Tagging";
  const action = `GetObject${isOfVersion ? "Version" : ""}${what}`;
  return mayDo(context, bucket, action, key, { found, versionId });
}
