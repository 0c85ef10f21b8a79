import { z } from "zod";
import { bucketView } from "#/model/bucket-views.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import { defineCall } from "../call.ts";
import { bucketParams, inProject } from "../params.ts";
import { bucketViewOf } from "../views/buckets.ts";
import { findBucket } from "./find.ts";

export const quotaBody = z.int().min(0);

export const changeBucket = defineCall({
  summary: "Change the quota of a bucket",
  description:
    "What its versions and the parts of its uploads may have together; null for no bound. What is in it already stays, whatever the quota.",
  tag: "buckets",
  role: "admin",
  params: bucketParams,
  query: inProject,
  body: z.strictObject({
    quotaBytes: quotaBody.nullable().optional(),
    quotaObjects: quotaBody.nullable().optional(),
  }),
  answer: bucketView,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params, body }) {
    const bucket = findBucket(parts.buckets, params.bucket, project);
    const changed = await parts.buckets.change(bucket, (spec) => changedSpec(spec, body));
    return bucketViewOf(changed, parts.store);
  },
});

/** What is null goes, what is absent stays. */
function changedSpec(
  { quotaBytes: bytes, quotaObjects: objects, ...rest }: BucketSpec,
  asked: { quotaBytes?: number | null | undefined; quotaObjects?: number | null | undefined },
): BucketSpec {
  const { quotaBytes = bytes ?? null, quotaObjects = objects ?? null } = asked;
  return {
    ...rest,
    ...(quotaBytes !== null && { quotaBytes }),
    ...(quotaObjects !== null && { quotaObjects }),
  };
}
