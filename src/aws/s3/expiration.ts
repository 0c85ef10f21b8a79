import { endOfUpload, expiryOf } from "#/model/bucket-lifecycle.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";
import type { AnswerHeaders } from "./answer.ts";
import type { ObjectCall } from "./call.ts";

/** Tells when a rule of the bucket will let an object expire, where one will. */
export function expirationHeader(
  headers: AnswerHeaders,
  { bucket }: Pick<ObjectCall, "bucket">,
  version: ObjectVersion,
): void {
  const { lifecycle } = bucket.spec;
  if (!lifecycle || !version.isLatest) return;
  const expiry = expiryOf(lifecycle, version);
  if (!expiry) return;
  headers["x-amz-expiration"] =
    `expiry-date="${new Date(expiry.at).toUTCString()}", rule-id="${encodeURIComponent(expiry.ruleId)}"`;
}

/** Tells when a rule of the bucket will give up an upload in parts, where one will. */
export function abortHeaders(
  headers: AnswerHeaders,
  { bucket }: Pick<ObjectCall, "bucket">,
  upload: { key: string; startedMs: number },
): void {
  const { lifecycle } = bucket.spec;
  const end = lifecycle && endOfUpload(lifecycle, upload);
  if (!end) return;
  headers["x-amz-abort-date"] = new Date(end.at).toUTCString();
  headers["x-amz-abort-rule-id"] = encodeURIComponent(end.ruleId);
}
