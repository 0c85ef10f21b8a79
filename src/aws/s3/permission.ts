import type { Grant } from "#/model/bucket-grants.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";
import type { Ask, AwsContext } from "../call.ts";
import { askOf } from "./buckets/asking.ts";
import type { ObjectCall } from "./call.ts";
import { accessDenied, noSuchKey, noSuchVersion } from "./errors.ts";
import { writeConditions } from "./write-conditions.ts";

type Conditions = Record<string, string | readonly string[]>;

/** What is asked about one object: as it is there, which version was named, and what the call says. */
export interface AskedOfObject {
  found?: ObjectVersion | DeleteMarker | undefined;
  versionId?: string | undefined;
  conditions?: Conditions | undefined;
  /** What only the document will say: then whether the caller may with any. */
  unknown?: Ask["unknown"];
}

/** Whether the caller may do this to an object of the bucket. */
export function mayDo(
  context: AwsContext,
  bucket: BucketRecord,
  action: string,
  key: string,
  { found, versionId, conditions, unknown }: AskedOfObject = {},
): boolean {
  const version = found && !("isDeleteMarker" in found) ? found : undefined;
  const all = conditionsOf(version, versionId, conditions);
  return context.isAllowed(
    askOf(
      {
        bucket,
        action: `s3:${action}`,
        key,
        object: version && aclOf(version, bucket),
        conditions: all,
        ...(unknown && { unknown }),
      },
      context,
    ),
  );
}

/** Throws "AccessDenied". */
export function demand(
  { context, bucket, key }: ObjectCall,
  action: string,
  conditions?: Conditions,
): void {
  if (!mayDo(context, bucket, action, key, { conditions })) throw accessDenied();
}

/** That the caller may say of a new object whom it is open to. Throws "AccessDenied". */
export function demandGrants({ context, bucket, key, ownerId, headers }: ObjectCall): void {
  const conditions = writeConditions(headers);
  const ask = {
    bucket,
    action: "s3:PutObjectAcl",
    key,
    object: { ownerId },
    ...(conditions && { conditions }),
  };
  if (!context.isAllowed(askOf(ask, context))) throw accessDenied();
}

/** Whether the caller may do this to the bucket as a whole. */
export function mayDoToBucket(
  context: AwsContext,
  bucket: BucketRecord,
  action: string,
  conditions?: Conditions,
): boolean {
  const asked = { bucket, action: `s3:${action}`, ...(conditions && { conditions }) };
  return context.isAllowed(askOf(asked, context));
}

/** Whose it is, and whom its ACL lets in where ACLs mean something. */
function aclOf(
  { ownerId, acl }: ObjectVersion,
  { spec }: BucketRecord,
): { ownerId: string; acl?: readonly Grant[] } {
  return acl === undefined || spec.ownership === "BucketOwnerEnforced"
    ? { ownerId }
    : { ownerId, acl: JSON.parse(acl) as Grant[] };
}

function conditionsOf(
  found: ObjectVersion | undefined,
  versionId: string | undefined,
  more: Conditions | undefined,
): Conditions | undefined {
  const tags = found?.tags;
  if (tags === undefined && versionId === undefined) return more;
  const conditions: Conditions = { ...more };
  if (versionId !== undefined) conditions["s3:VersionId"] = versionId;
  for (const name in tags) conditions[`s3:ExistingObjectTag/${name}`] = tags[name]!;
  return conditions;
}

/**
 * What is said of an object that is not there: only who may list the bucket learns that. Gives "NoSuchKey",
 * "NoSuchVersion" or "AccessDenied".
 */
export function missing(
  context: AwsContext,
  bucket: BucketRecord,
  key: string,
  versionId?: string,
  headers?: Record<string, string>,
): Error {
  const action = versionId === undefined ? "ListBucket" : "ListBucketVersions";
  if (!mayDoToBucket(context, bucket, action)) return accessDenied();
  return versionId === undefined ? noSuchKey(key, headers) : noSuchVersion(key, versionId);
}
