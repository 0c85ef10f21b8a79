import type {
  DeleteBucketOwnershipControlsCommandInput,
  DeleteBucketOwnershipControlsCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketOwnershipControls = onBucket<
  DeleteBucketOwnershipControlsCommandInput,
  DeleteBucketOwnershipControlsCommandOutput
>(async (_, { change }) => {
  await change(({ ownership: _before, ...spec }) => spec);
  return {};
});
