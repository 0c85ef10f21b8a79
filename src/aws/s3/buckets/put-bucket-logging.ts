import type {
  PutBucketLoggingCommandInput,
  PutBucketLoggingCommandOutput,
} from "@aws-sdk/client-s3";
import { AwsError } from "#/model/aws-error.ts";
import { malformedXml } from "./errors.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketLogging = onBucket<
  PutBucketLoggingCommandInput,
  PutBucketLoggingCommandOutput
>(async ({ BucketLoggingStatus }, { bucket, change, context }) => {
  if (!BucketLoggingStatus) throw malformedXml();
  const asked = BucketLoggingStatus.LoggingEnabled;
  if (!asked) {
    await change(({ logging: _before, ...spec }) => spec);
    return {};
  }
  const { TargetBucket: name, TargetPrefix: prefix, TargetGrants, TargetObjectKeyFormat } = asked;
  if (!name || prefix === undefined) throw malformedXml();
  const target = context.parts.buckets.find(name);
  const refused = (message: string) =>
    new AwsError("InvalidTargetBucketForLogging", 400, message, {
      fields: { TargetBucket: name },
    });
  if (!target) throw refused("The target bucket for logging does not exist");
  if (target.project !== bucket.project)
    throw refused("The owner for the bucket to be logged and the target bucket must be the same.");
  if (TargetGrants && TargetGrants.length > 0)
    throw new AwsError(
      "InvalidArgument",
      400,
      "Log objects belong to the owner of the target bucket: target grants are not supported",
      { fields: { ArgumentName: "TargetGrants" } },
    );
  const source = TargetObjectKeyFormat?.PartitionedPrefix?.PartitionDateSource;
  const isPartitioned = TargetObjectKeyFormat?.PartitionedPrefix !== undefined;
  if (isPartitioned && TargetObjectKeyFormat.SimplePrefix) throw malformedXml();
  if (source !== undefined && source !== "EventTime" && source !== "DeliveryTime")
    throw malformedXml();
  await change((spec) => ({
    ...spec,
    logging: {
      bucket: name,
      prefix,
      ...(isPartitioned && { partitionedBy: source ?? "DeliveryTime" }),
    },
  }));
  return {};
});
