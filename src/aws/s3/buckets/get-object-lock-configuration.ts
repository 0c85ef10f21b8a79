import type {
  GetObjectLockConfigurationCommandInput,
  GetObjectLockConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { writeObjectLock } from "./object-lock.ts";
import { onBucket } from "./on-bucket.ts";

export const getObjectLockConfiguration = onBucket<
  GetObjectLockConfigurationCommandInput,
  GetObjectLockConfigurationCommandOutput
>((_, { bucket }) => {
  const { objectLock } = bucket.spec;
  if (!objectLock) throw notSet("ObjectLockConfigurationNotFoundError", bucket);
  return { ObjectLockConfiguration: writeObjectLock(objectLock) };
});
