import type {
  DeleteBucketWebsiteCommandInput,
  DeleteBucketWebsiteCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketWebsite = onBucket<
  DeleteBucketWebsiteCommandInput,
  DeleteBucketWebsiteCommandOutput
>(async (_, { change }) => {
  await change(({ website: _before, ...spec }) => spec);
  return {};
});
