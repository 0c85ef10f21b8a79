import type {
  GetBucketVersioningCommandInput,
  GetBucketVersioningCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const getBucketVersioning = onBucket<
  GetBucketVersioningCommandInput,
  GetBucketVersioningCommandOutput
>((_, { bucket }) => {
  const { versioning } = bucket.spec;
  return versioning === "off" ? {} : { Status: versioning === "enabled" ? "Enabled" : "Suspended" };
});
