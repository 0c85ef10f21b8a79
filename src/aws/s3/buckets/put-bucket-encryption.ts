import type {
  PutBucketEncryptionCommandInput,
  PutBucketEncryptionCommandOutput,
} from "@aws-sdk/client-s3";
import { readEncryption } from "./encryption.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketEncryption = onBucket<
  PutBucketEncryptionCommandInput,
  PutBucketEncryptionCommandOutput
>(async ({ ServerSideEncryptionConfiguration }, { change }) => {
  const encryption = readEncryption(ServerSideEncryptionConfiguration);
  await change((spec) => ({ ...spec, encryption }));
  return {};
});
