import type {
  ListBucketAnalyticsConfigurationsCommandInput,
  ListBucketAnalyticsConfigurationsCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const listBucketAnalyticsConfigurations = onBucket<
  ListBucketAnalyticsConfigurationsCommandInput,
  ListBucketAnalyticsConfigurationsCommandOutput
>(() => ({ IsTruncated: false, AnalyticsConfigurationList: [] }));
