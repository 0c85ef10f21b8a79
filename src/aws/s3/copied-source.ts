import type { ObjectPlace } from "#/objects/object-store.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { bucketOf, type ObjectCall } from "./call.ts";
import { accessDenied, invalidRequest } from "./errors.ts";
import { checkSourceConditions } from "./headers/conditions.ts";
import type { CopySource } from "./headers/copy-source.ts";
import { customerKey, openedBy } from "./headers/encryption.ts";
import { openKey } from "./keys.ts";
import { mayDo, missing } from "./permission.ts";

/** What is copied, found, allowed and opened. */
export interface CopiedSource {
  bucket: BucketRecord;
  place: ObjectPlace;
  found: ObjectVersion;
  /** Opens what is encrypted. */
  key?: Uint8Array;
  /** As the client named it. */
  versionId?: string;
}

/** Throws "NoSuchBucket", "NoSuchKey", "NoSuchVersion", "AccessDenied", "PreconditionFailed", "InvalidRequest". */
export async function copiedSource(
  call: ObjectCall,
  source: CopySource,
  { takesTags }: { takesTags: boolean },
): Promise<CopiedSource> {
  const { context, headers, store } = call;
  const { key, versionId } = source;
  const bucket = bucketOf(context, source.bucket, "x-amz-source-expected-bucket-owner");
  const place = { bucket: bucket.spec.id, key };
  const found = await store.find(place, versionId);
  const isAllowed = (action: string) =>
    mayDo(
      context,
      bucket,
      versionId === undefined ? action : action.replace("Object", "ObjectVersion"),
      key,
      { found, versionId },
    );
  if (!isAllowed("GetObject")) throw accessDenied();
  if (!found) throw missing(context, bucket, key, versionId);
  if ("isDeleteMarker" in found) {
    if (versionId === undefined) throw missing(context, bucket, key);
    throw invalidRequest(
      "The source of a copy request may not specifically refer to a delete marker by version id.",
    );
  }
  if (found.tags && takesTags && !isAllowed("GetObjectTagging")) throw accessDenied();
  checkSourceConditions(headers, found);
  const customer = customerKey(headers, "x-amz-copy-source-server-side-encryption-customer-");
  const opened =
    openedBy(found.encryption, customer) ?? openKey({ context, bucket, key }, found.encryption);
  return {
    bucket,
    place,
    found,
    ...(opened && { key: opened }),
    ...(versionId !== undefined && { versionId }),
  };
}
