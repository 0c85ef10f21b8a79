import type {
  PutObjectLockConfigurationCommandInput,
  PutObjectLockConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { AwsError } from "#/model/aws-error.ts";
import { readObjectLock } from "./object-lock.ts";
import { onBucket } from "./on-bucket.ts";

export const putObjectLockConfiguration = onBucket<
  PutObjectLockConfigurationCommandInput,
  PutObjectLockConfigurationCommandOutput
>(async ({ ObjectLockConfiguration }, { change }) => {
  const objectLock = readObjectLock(ObjectLockConfiguration);
  await change((spec) => {
    if (spec.versioning !== "enabled")
      throw new AwsError(
        "InvalidBucketState",
        409,
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
      );
    return { ...spec, objectLock };
  });
  return {};
});
