import type {
  GetBucketLoggingCommandInput,
  GetBucketLoggingCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const getBucketLogging = onBucket<
  GetBucketLoggingCommandInput,
  GetBucketLoggingCommandOutput
>((_, { bucket }) => {
  const { logging } = bucket.spec;
  if (!logging) return {};
  const { partitionedBy } = logging;
  return {
    LoggingEnabled: {
      TargetBucket: logging.bucket,
      TargetPrefix: logging.prefix,
      ...(partitionedBy && {
        TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: partitionedBy } },
      }),
    },
  };
});
