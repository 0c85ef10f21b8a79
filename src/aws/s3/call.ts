import type { IncomingHttpHeaders } from "node:http";
import type { BucketRecord } from "#/model/bucket.ts";
import type { ObjectPlace, ObjectStore } from "#/objects/object-store.ts";
import type { AwsContext, DirectOperation } from "../call.ts";
import { parameterOf } from "../target.ts";
import { checkExpectedOwner } from "./buckets/expected-owner.ts";
import { checkKey } from "./key.ts";
import { invalidArgument } from "./errors.ts";

/** One call about an object, or about the objects of a bucket, as its operation sees it. */
export interface ObjectCall {
  context: AwsContext;
  store: ObjectStore;
  headers: IncomingHttpHeaders;
  bucket: BucketRecord;
  /** "" of calls about the bucket's objects. */
  key: string;
  place: ObjectPlace;
  nowMs: number;
  /** The account that what is put here belongs to. */
  ownerId: string;
}

/** An operation of ours, as the door wants it. */
export function operation(run: (call: ObjectCall) => Promise<void>): DirectOperation {
  return { answersItself: true, run: (context) => run(callOf(context)) };
}

/** Throws "NoSuchBucket", "KeyTooLongError", "InvalidURI". */
export function callOf(context: AwsContext): ObjectCall {
  const { target, parts } = context;
  const bucket = bucketOf(context, target.bucket ?? "");
  const key = target.key === undefined ? "" : checkKey(target.key);
  return {
    context,
    store: parts.store,
    headers: context.request.headers,
    bucket,
    key,
    place: { bucket: bucket.spec.id, key },
    nowMs: parts.clock.now(),
    ownerId: ownerOf(bucket, context),
  };
}

/** The bucket's account has all that is in it, unless its ACLs are to mean something; even then what it is given, where it prefers that. */
function ownerOf({ spec }: BucketRecord, { caller, request }: AwsContext): string {
  if (spec.ownership === "BucketOwnerEnforced" || caller.kind === "anonymous")
    return spec.accountId;
  const isGiven = request.headers["x-amz-acl"] === "bucket-owner-full-control";
  return spec.ownership === "BucketOwnerPreferred" && isGiven ? spec.accountId : caller.accountId;
}

/** Throws "NoSuchBucket", and "AccessDenied" where the caller expects another owner. */
export function bucketOf(
  { parts, request: { headers } }: AwsContext,
  name: string,
  ownerHeader = "x-amz-expected-bucket-owner",
): BucketRecord {
  const bucket = parts.buckets.get(name);
  const expected = headers[ownerHeader];
  if (expected !== undefined) checkExpectedOwner(String(expected), bucket);
  return bucket;
}

/** A parameter of the query; "" where it has no value. */
export const parameter = (call: ObjectCall, name: string): string | undefined =>
  parameterOf(call.context.target.query, name);

/** Whether a version could be called so: others are refused, and not looked for. */
export const isVersionId = (text: string): boolean =>
  text === "null" || /^[0-9A-Za-z]{32}$/.test(text);

/** The version that a call names. Throws "InvalidArgument" for one that no version has. */
export function versionIdOf(call: ObjectCall): string | undefined {
  if (call.context.target.query === "") return undefined;
  const versionId = parameter(call, "versionId");
  if (versionId === "") throw invalidArgument("Version id cannot be the empty string", "versionId");
  if (versionId !== undefined && !isVersionId(versionId))
    throw invalidArgument("Invalid version id specified", "versionId", versionId);
  return versionId;
}
