import type {
  DeleteBucketReplicationCommandInput,
  DeleteBucketReplicationCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

/** No bucket has one, and what there is not is deleted. */
export const deleteBucketReplication = onBucket<
  DeleteBucketReplicationCommandInput,
  DeleteBucketReplicationCommandOutput
>(() => ({}));
