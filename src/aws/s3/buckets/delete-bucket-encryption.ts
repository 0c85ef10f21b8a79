import type {
  DeleteBucketEncryptionCommandInput,
  DeleteBucketEncryptionCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketEncryption = onBucket<
  DeleteBucketEncryptionCommandInput,
  DeleteBucketEncryptionCommandOutput
>(async (_, { change }) => {
  await change(({ encryption: _before, ...spec }) => spec);
  return {};
});
