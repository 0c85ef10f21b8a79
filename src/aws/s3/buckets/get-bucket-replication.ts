import type {
  GetBucketReplicationCommandInput,
  GetBucketReplicationCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketReplication = onBucket<
  GetBucketReplicationCommandInput,
  GetBucketReplicationCommandOutput
>((_, { bucket }) => {
  throw notSet("ReplicationConfigurationNotFoundError", bucket);
});
