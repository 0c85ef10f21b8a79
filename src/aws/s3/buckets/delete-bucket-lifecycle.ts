import type {
  DeleteBucketLifecycleCommandInput,
  DeleteBucketLifecycleCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketLifecycle = onBucket<
  DeleteBucketLifecycleCommandInput,
  DeleteBucketLifecycleCommandOutput
>(async (_, { change }) => {
  await change(({ lifecycle: _before, ...spec }) => spec);
  return {};
});
