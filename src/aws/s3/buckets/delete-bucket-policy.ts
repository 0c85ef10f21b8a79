import type {
  DeleteBucketPolicyCommandInput,
  DeleteBucketPolicyCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketPolicy = onBucket<
  DeleteBucketPolicyCommandInput,
  DeleteBucketPolicyCommandOutput
>(async (_, { change }) => {
  await change(({ policy: _before, ...spec }) => spec);
  return {};
});
