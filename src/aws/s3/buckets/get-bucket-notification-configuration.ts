import type {
  GetBucketNotificationConfigurationCommandInput,
  GetBucketNotificationConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { writeNotification } from "./notification.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketNotificationConfiguration = onBucket<
  GetBucketNotificationConfigurationCommandInput,
  GetBucketNotificationConfigurationCommandOutput
>((_, { bucket }) => writeNotification(bucket.spec.notification ?? { rules: [] }));
