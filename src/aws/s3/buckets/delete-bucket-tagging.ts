import type {
  DeleteBucketTaggingCommandInput,
  DeleteBucketTaggingCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketTagging = onBucket<
  DeleteBucketTaggingCommandInput,
  DeleteBucketTaggingCommandOutput
>(async (_, { change }) => {
  await change(({ tags: _before, ...spec }) => spec);
  return {};
});
