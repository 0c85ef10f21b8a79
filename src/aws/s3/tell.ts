import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";
import { noSuchBucket } from "#/objects/buckets.ts";
import type { ObjectCall } from "./call.ts";

/** Asked before a change, so that it is made only if it can be told. Throws "SlowDown" while too much waits to be told. */
export function requireRoomToTell(
  { context, bucket, key }: Pick<ObjectCall, "context" | "bucket" | "key">,
  name: string,
): void {
  context.parts.bucketEvents.requireRoom(bucket, name, key);
}

/**
 * Tells those who asked what happened to an object: "ObjectCreated:Put". Resolves when that is on disk, before which the change is not
 * acknowledged; costs nothing where nobody asked. Throws "NoSuchBucket" when the bucket was deleted meanwhile.
 */
export async function tell(
  { context, bucket }: Pick<ObjectCall, "context" | "bucket">,
  name: string,
  {
    key,
    versionId,
    ...version
  }: Pick<ObjectVersion | DeleteMarker, "key" | "versionId" | "modifiedMs"> &
    Partial<ObjectVersion>,
): Promise<void> {
  const { parts, caller, sourceIp, requestId } = context;
  // Deleted while this was under way: what was put went with it, and is not acknowledged.
  if (parts.buckets.find(bucket.name)?.spec.id !== bucket.spec.id) throw noSuchBucket(bucket.name);
  if (!bucket.spec.notification) return;
  const isThere = !name.startsWith("ObjectRemoved:");
  await parts.bucketEvents.tell(bucket, {
    name,
    at: isThere ? version.modifiedMs : parts.clock.now(),
    key,
    ...(isThere && { sizeBytes: version.sizeBytes ?? 0, etag: version.etag ?? "" }),
    ...((versionId !== "null" || bucket.spec.versioning !== "off") && { versionId }),
    principalId: caller.userId,
    sourceIp,
    requestId,
  });
}
