import type { DeleteBucketCommandInput, DeleteBucketCommandOutput } from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucket = onBucket<DeleteBucketCommandInput, DeleteBucketCommandOutput>(
  async (_, { bucket, context }) => {
    await context.parts.buckets.remove(bucket);
    return {};
  },
);
