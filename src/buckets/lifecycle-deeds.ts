import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { BucketEvent } from "#/model/bucket-event.ts";
import { fateOf, fateOfNoncurrent, isMarkerDue, type Lifecycle } from "#/model/bucket-lifecycle.ts";
import type { BucketRecord, LifecycleDeed } from "#/model/bucket.ts";
import type { Buckets } from "#/objects/buckets.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";
import type { Placed } from "./versions.ts";

/** What happened by a deed, when and of whom is said by who tells it. */
type Happened = Omit<BucketEvent, "at" | "principalId" | "sourceIp" | "requestId">;

/** What the rules want done about one version now; undefined for nothing. */
export function deedOf(
  lifecycle: Lifecycle,
  placed: Placed,
  now: number,
): LifecycleDeed | undefined {
  const { version, noncurrent, isAlone } = placed;
  const { key, versionId, modifiedMs } = version;
  const about = { key, versionId, modifiedMs };
  if ("isDeleteMarker" in version) {
    const isDue = noncurrent
      ? isReplacedMarkerDue(lifecycle, placed, now)
      : isAlone && isMarkerDue(lifecycle, version, now);
    return isDue ? { ...about, kind: "remove" } : undefined;
  }
  const fate = noncurrent
    ? fateOfNoncurrent(
        lifecycle,
        { ...version, noncurrentAt: noncurrent.at, newerNoncurrent: noncurrent.newer },
        now,
      )
    : fateOf(lifecycle, version, now);
  if (!fate) return undefined;
  const { etag, sizeBytes } = version;
  if (fate.kind === "move")
    return { ...about, kind: "move", etag, sizeBytes, storageClass: fate.storageClass };
  return noncurrent ? { ...about, kind: "remove" } : { ...about, kind: "expire", etag };
}

/** A marker that something newer has replaced goes as a version of no size would. */
function isReplacedMarkerDue(
  lifecycle: Lifecycle,
  { version, noncurrent }: Placed,
  now: number,
): boolean {
  const { key, modifiedMs } = version;
  const fate = fateOfNoncurrent(
    lifecycle,
    {
      key,
      modifiedMs,
      sizeBytes: 0,
      storageClass: "STANDARD",
      noncurrentAt: noncurrent!.at,
      newerNoncurrent: noncurrent!.newer,
    },
    now,
  );
  return fate?.kind === "expire";
}

/** What a deed is told as. */
export function eventNameOf({ spec }: BucketRecord, { kind }: LifecycleDeed): string {
  if (kind === "move") return "LifecycleTransition";
  return kind === "expire" && spec.versioning !== "off" ? hidden : removed;
}

const removed = "LifecycleExpiration:Delete";
const hidden = "LifecycleExpiration:DeleteMarkerCreated";

/** Unless the version has changed since it was looked at, or is locked: then nothing happens, and it is looked at in the next pass. */
export async function carryOut(
  { store, buckets }: { store: ObjectStore; buckets: Buckets },
  bucket: BucketRecord,
  deed: LifecycleDeed,
): Promise<Happened | undefined> {
  const { id, accountId } = bucket.spec;
  const { kind, key, versionId, modifiedMs, etag = "*" } = deed;
  const place = { bucket: id, key };
  if (kind === "move") {
    const moved = await store.transition(place, versionId, deed.storageClass!).catch(unlessGone);
    return moved && moveOf(bucket, moved);
  }
  const asked =
    kind === "remove" ? { versionId } : { condition: { ifMatch: etag, ifModifiedMs: modifiedMs } };
  const result = await store
    .delete(place, { versioning: buckets.versioningOf(bucket), ownerId: accountId, ...asked })
    .catch(unlessGone);
  if (result?.marker) return { name: hidden, key, ...named(bucket, result.marker) };
  return result?.removed && { name: removed, key, ...named(bucket, result.removed) };
}

/** What is gone, locked or changed meanwhile. */
export function unlessGone(thrown: unknown): undefined {
  if (thrown instanceof AwsError && thrown.status < 500) return undefined;
  throw thrown;
}

/**
 * Whether a deed was done of which nobody knows how it ended, and what came of it. Undefined where its version is seen to be as it
 * was, or no marker hides it. What somebody else has done to the version in the same moment looks the same, and is told too: at
 * least once is what those who listen were promised.
 */
export async function whatCameOf(
  store: ObjectStore,
  bucket: BucketRecord,
  deed: LifecycleDeed,
): Promise<Happened | undefined> {
  const { kind, key, versionId, modifiedMs, etag = "", sizeBytes = 0 } = deed;
  const at = await store.find({ bucket: bucket.spec.id, key }, versionId);
  const found = at?.modifiedMs === modifiedMs ? at : undefined;
  if (kind === "move") {
    if (!found || "isDeleteMarker" in found)
      return moveOf(bucket, { key, versionId, etag, sizeBytes });
    return found.storageClass === deed.storageClass ? moveOf(bucket, found) : undefined;
  }
  if (kind === "remove" || bucket.spec.versioning === "off")
    return found ? undefined : { name: removed, key, ...named(bucket, deed) };
  if (found?.isLatest) return undefined;
  const marker = await markerOver(store, bucket, deed, found !== undefined);
  return marker && { name: hidden, key, ...named(bucket, marker) };
}

/** The marker that came right after a version; after it at all where it is no longer there. */
async function markerOver(
  store: ObjectStore,
  { spec }: BucketRecord,
  { key, versionId, modifiedMs }: LifecycleDeed,
  isThere: boolean,
): Promise<DeleteMarker | undefined> {
  let marker: DeleteMarker | undefined;
  let from: { after?: string; afterVersionId?: string } | undefined = {};
  while (from) {
    const page = await store.listVersions(spec.id, { prefix: key, max: limits.listedMax, ...from });
    for (const version of page.entries) {
      if (version.key !== key || version.modifiedMs < modifiedMs) return marker;
      if (isThere && version.versionId === versionId) return marker;
      if ("isDeleteMarker" in version) marker = version;
      else if (isThere) marker = undefined;
    }
    from = page.next;
  }
  return marker;
}

const moveOf = (
  bucket: BucketRecord,
  version: Pick<ObjectVersion, "key" | "versionId" | "etag" | "sizeBytes">,
): Happened => ({
  name: "LifecycleTransition",
  key: version.key,
  sizeBytes: version.sizeBytes,
  etag: version.etag,
  ...named(bucket, version),
});

const named = ({ spec }: BucketRecord, { versionId }: { versionId: string }) =>
  spec.versioning === "off" && versionId === "null" ? {} : { versionId };
