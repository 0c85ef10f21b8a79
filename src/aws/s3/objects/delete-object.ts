import { AwsError } from "#/model/aws-error.ts";
import type { DeleteResult, WriteCondition } from "#/objects/object-store.ts";
import { newHeaders, send, type AnswerHeaders } from "../answer.ts";
import { operation, versionIdOf, type ObjectCall } from "../call.ts";
import { accessDenied, invalidArgument } from "../errors.ts";
import { bare } from "../headers/conditions.ts";
import { mayDo } from "../permission.ts";
import { requireRoomToTell, tell } from "../tell.ts";

export const deleteObject = operation(async (call) => {
  const versionId = versionIdOf(call);
  const mayBypassGovernance = mayBypass(call, call.key);
  const result = await removeObject(call, call.key, {
    ...(versionId !== undefined && { versionId }),
    ...(mayBypassGovernance && { mayBypassGovernance }),
    ...conditionOf(call),
  });
  const headers = newHeaders(call);
  tellDeleted(headers, call, result, versionId);
  send(call, 204, headers);
});

/** Whether a lock of mode GOVERNANCE is to be lifted. Throws "AccessDenied" to who asks for it and may not. */
export function mayBypass(call: ObjectCall, key: string): boolean {
  if (call.headers["x-amz-bypass-governance-retention"] !== "true") return false;
  if (mayDo(call.context, call.bucket, "BypassGovernanceRetention", key)) return true;
  throw accessDenied();
}

/**
 * What there is not cannot be deleted, and that is no error unless a condition was set for it. Throws "AccessDenied",
 * "PreconditionFailed", "NoSuchKey".
 */
export async function removeObject(
  call: ObjectCall,
  key: string,
  asked: { versionId?: string; mayBypassGovernance?: boolean; condition?: WriteCondition },
): Promise<DeleteResult> {
  const { context, bucket, store, ownerId } = call;
  const { versionId } = asked;
  const action = versionId === undefined ? "DeleteObject" : "DeleteObjectVersion";
  if (!mayDo(context, bucket, action, key, { versionId })) throw accessDenied();
  const hides = versionId === undefined && bucket.spec.versioning !== "off";
  requireRoomToTell({ context, bucket, key }, hides ? toldHidden : toldGone);
  try {
    const result = await store.delete(
      { bucket: bucket.spec.id, key },
      { versioning: context.parts.buckets.versioningOf(bucket), ownerId, ...asked },
    );
    if (result.marker) await tell(call, toldHidden, result.marker);
    else if (result.removed) await tell(call, toldGone, result.removed);
    return result;
  } catch (thrown) {
    const isGone =
      asked.condition === undefined &&
      thrown instanceof AwsError &&
      (thrown.awsCode === "NoSuchKey" || thrown.awsCode === "NoSuchVersion");
    if (isGone) return {};
    throw thrown;
  }
}

const toldHidden = "ObjectRemoved:DeleteMarkerCreated";
const toldGone = "ObjectRemoved:Delete";

function tellDeleted(
  headers: AnswerHeaders,
  { bucket }: ObjectCall,
  { removed, marker }: DeleteResult,
  asked: string | undefined,
): void {
  if (marker) {
    headers["x-amz-delete-marker"] = "true";
    headers["x-amz-version-id"] = marker.versionId;
  } else if (asked !== undefined) {
    headers["x-amz-version-id"] = asked;
    if (removed && "isDeleteMarker" in removed) headers["x-amz-delete-marker"] = "true";
  } else if (bucket.spec.versioning !== "off" && removed)
    headers["x-amz-version-id"] = removed.versionId;
}

/** "If-Match", and what it may go with. Throws "InvalidArgument". */
function conditionOf({ headers }: ObjectCall): { condition?: WriteCondition } {
  const ifMatch = headers["if-match"];
  const modified = headers["x-amz-if-match-last-modified-time"];
  const size = headers["x-amz-if-match-size"];
  if (ifMatch === undefined && modified === undefined && size === undefined) return {};
  const condition: WriteCondition = {};
  if (ifMatch !== undefined) condition.ifMatch = bare(ifMatch);
  if (modified !== undefined) {
    condition.ifModifiedMs = Date.parse(String(modified));
    if (Number.isNaN(condition.ifModifiedMs))
      throw invalidArgument(
        "Invalid date format",
        "x-amz-if-match-last-modified-time",
        String(modified),
      );
  }
  if (size !== undefined) {
    if (!/^\d{1,15}$/.test(String(size)))
      throw invalidArgument("Invalid size", "x-amz-if-match-size", String(size));
    condition.ifSizeBytes = Number(size);
  }
  return { condition };
}
