import type {
  DeleteBucketCorsCommandInput,
  DeleteBucketCorsCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketCors = onBucket<
  DeleteBucketCorsCommandInput,
  DeleteBucketCorsCommandOutput
>(async (_, { change }) => {
  await change(({ cors: _before, ...spec }) => spec);
  return {};
});
