import type {
  GetBucketAccelerateConfigurationCommandInput,
  GetBucketAccelerateConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

/** It was never set: there is nothing faster than the one way in. */
export const getBucketAccelerateConfiguration = onBucket<
  GetBucketAccelerateConfigurationCommandInput,
  GetBucketAccelerateConfigurationCommandOutput
>(() => ({}));
