import type { Clock } from "#/base/clock.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import type { Buckets } from "#/objects/buckets.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";
import type { BucketEvents } from "./events.ts";

/** Makes keys for what a bucket has encrypted. */
export interface KeyMaker {
  forNew(bucketId: string): { key: Uint8Array; sealedKey: string };
}

export interface ReportParts {
  buckets: Buckets;
  store: ObjectStore;
  events: BucketEvents;
  objectKeys: KeyMaker;
  clock: Clock;
}

/** What Canopy itself puts into somebody's bucket, as the bucket's owner. */
interface Report {
  key: string;
  body: Uint8Array | AsyncIterable<Uint8Array>;
  contentType: string;
  isEncrypted?: boolean;
}

/**
 * Puts a report into a bucket of the project: encrypted where the bucket's default or the report asks for it, and told like
 * everything else that is put there. Undefined when there is no such bucket, or no room in it. Throws "SlowDown" while too much waits to be told.
 */
export async function putReport(
  { buckets, store, events, objectKeys }: ReportParts,
  target: { project: string; bucket: string },
  { key, body, contentType, isEncrypted }: Report,
): Promise<ObjectVersion | undefined> {
  const bucket = buckets.find(target.bucket);
  if (bucket?.project !== target.project || !hasRoom(bucket, store)) return undefined;
  const { id, accountId, versioning, encryption } = bucket.spec;
  events.requireRoom(bucket, told, key);
  const made = isEncrypted || encryption ? objectKeys.forNew(id) : undefined;
  const { version } = await store.put({ bucket: id, key }, body, {
    versioning: buckets.versioningOf(bucket),
    ownerId: accountId,
    storageClass: "STANDARD",
    contentType,
    ...(body instanceof Uint8Array && { sizeBytes: body.length }),
    ...(made && {
      encryption: { about: { mode: "AES256", sealedKey: made.sealedKey }, key: made.key },
    }),
  });
  await events.tell(bucket, {
    name: told,
    at: version.modifiedMs,
    key,
    sizeBytes: version.sizeBytes,
    etag: version.etag,
    ...((version.versionId !== "null" || versioning !== "off") && { versionId: version.versionId }),
    principalId: "s3.amazonaws.com",
    sourceIp: "s3.amazonaws.com",
    requestId: "",
  });
  return version;
}

const told = "ObjectCreated:Put";

function hasRoom({ spec }: BucketRecord, store: Pick<ObjectStore, "use">): boolean {
  const { objects, bytes } = store.use(spec.id);
  return (
    bytes < (spec.quotaBytes ?? Number.POSITIVE_INFINITY) &&
    objects < (spec.quotaObjects ?? Number.POSITIVE_INFINITY)
  );
}
