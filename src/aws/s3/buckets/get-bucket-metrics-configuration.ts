import type {
  GetBucketMetricsConfigurationCommandInput,
  GetBucketMetricsConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketMetricsConfiguration = onBucket<
  GetBucketMetricsConfigurationCommandInput,
  GetBucketMetricsConfigurationCommandOutput
>((_, { bucket }) => {
  throw notSet("NoSuchConfiguration", bucket);
});
