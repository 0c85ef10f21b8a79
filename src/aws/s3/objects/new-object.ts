import type { PutOptions } from "#/objects/object-store.ts";
import type { ObjectHeaders, ObjectMarks } from "#/objects/object-version.ts";
import { grantsOf } from "../acl.ts";
import type { ObjectCall } from "../call.ts";
import { invalidRequest } from "../errors.ts";
import { announcedChecksum, contentMd5, type AnnouncedChecksum } from "../headers/checksums.ts";
import { writeCondition } from "../headers/conditions.ts";
import { wantedEncryption } from "../headers/encryption.ts";
import { instantOf, locksOf } from "../headers/locks.ts";
import { objectHeaders, storageClassOf } from "../headers/object-headers.ts";
import { parseTagging } from "../headers/tags.ts";
import { newKey } from "../keys.ts";
import { demand } from "../permission.ts";
import { remainingDays, writeConditions } from "../write-conditions.ts";

/** What S3 computes of a body whose sender announced nothing. */
export const standardChecksum: AnnouncedChecksum = { algorithm: "CRC64NVME", inTrailer: false };

/** All that a client says of a new object, read and allowed before a byte of it is taken. */
export interface NewObject {
  options: Omit<PutOptions, "checksum" | "sizeBytes">;
  announced: AnnouncedChecksum;
}

/** Throws "AccessDenied", "InvalidArgument", "InvalidRequest" and what else S3 says of headers. */
export async function newObject(call: ObjectCall): Promise<NewObject> {
  const { headers: asked, bucket } = call;
  demandWrite(call);
  const condition = writeCondition(asked);
  const about = saidOf(call);
  const announced = announcedChecksum(asked);
  const md5 = contentMd5(asked);
  if (isLocking(call) && announced === undefined && md5 === undefined)
    throw invalidRequest(
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    );
  const wanted = wantedEncryption(asked, bucket.spec);
  const made = newKey(call, wanted);
  const encryption = made instanceof Promise ? await made : made;
  return {
    announced: announced ?? standardChecksum,
    options: {
      ...about,
      versioning: call.context.parts.buckets.versioningOf(bucket),
      ...(condition && { condition }),
      ...(md5 !== undefined && { contentMd5: md5 }),
      ...(encryption && { encryption }),
    },
  };
}

/** What a call says of the object that it makes: headers, tags, storage class, grants, locks; and whose it is. */
export function saidOf(call: ObjectCall): ObjectHeaders & ObjectMarks & Placed {
  const about = objectHeaders(call.headers);
  const tags = tagsSaid(call);
  return { ...about, ...(tags && { tags }), ...placedOf(call) };
}

type Placed = Pick<ObjectMarks, "acl" | "retention" | "hasLegalHold"> &
  Pick<PutOptions, "ownerId" | "storageClass">;

/** Of that, what a copy says itself too: storage class, grants, locks; and whose it is. */
export function placedOf(call: ObjectCall): Placed {
  const { headers, bucket, nowMs, ownerId } = call;
  const storageClass = storageClassOf(headers);
  const acl = grantsOf(call);
  const locks = locksOf(headers, bucket.spec, nowMs);
  return { ...locks, ...(acl !== undefined && { acl }), ownerId, storageClass };
}

export function tagsSaid({ headers }: ObjectCall): Record<string, string> | undefined {
  const tagging = headers["x-amz-tagging"];
  return typeof tagging === "string" ? parseTagging(tagging) : undefined;
}

const isLocking = ({ headers }: ObjectCall): boolean =>
  headers["x-amz-object-lock-mode"] !== undefined ||
  headers["x-amz-object-lock-legal-hold"] !== undefined;

/** That the caller may put an object here, with all that it says of it. Throws "AccessDenied". */
export function demandWrite(call: ObjectCall): void {
  const { headers, nowMs } = call;
  const untilMs = instantOf(String(headers["x-amz-object-lock-retain-until-date"] ?? ""));
  const conditions = writeConditions(
    headers,
    untilMs === undefined ? undefined : remainingDays(untilMs, nowMs),
  );
  demand(call, "PutObject", conditions);
  if (headers["x-amz-tagging"] !== undefined) demand(call, "PutObjectTagging", conditions);
  if (headers["x-amz-object-lock-mode"] !== undefined)
    demand(call, "PutObjectRetention", conditions);
  if (headers["x-amz-object-lock-legal-hold"] !== undefined)
    demand(call, "PutObjectLegalHold", conditions);
}
