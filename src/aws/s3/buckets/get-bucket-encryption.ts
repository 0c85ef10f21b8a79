import type {
  GetBucketEncryptionCommandInput,
  GetBucketEncryptionCommandOutput,
} from "@aws-sdk/client-s3";
import { writeEncryption } from "./encryption.ts";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketEncryption = onBucket<
  GetBucketEncryptionCommandInput,
  GetBucketEncryptionCommandOutput
>((_, { bucket }) => {
  const { encryption } = bucket.spec;
  if (!encryption) throw notSet("ServerSideEncryptionConfigurationNotFoundError", bucket);
  return { ServerSideEncryptionConfiguration: writeEncryption(encryption) };
});
