import type {
  DeleteBucketAnalyticsConfigurationCommandInput,
  DeleteBucketAnalyticsConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketAnalyticsConfiguration = onBucket<
  DeleteBucketAnalyticsConfigurationCommandInput,
  DeleteBucketAnalyticsConfigurationCommandOutput
>((_, { bucket }) => {
  throw notSet("NoSuchConfiguration", bucket);
});
