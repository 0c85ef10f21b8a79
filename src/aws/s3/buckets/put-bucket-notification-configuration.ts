import type {
  PutBucketNotificationConfigurationCommandInput,
  PutBucketNotificationConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { randomText } from "#/base/random.ts";
import { placeOf } from "#/buckets/places.ts";
import { AwsError } from "#/model/aws-error.ts";
import { readNotification } from "./notification.ts";
import { onBucket } from "./on-bucket.ts";

/** Those that are to be told are told so first: an s3:TestEvent. */
export const putBucketNotificationConfiguration = onBucket<
  PutBucketNotificationConfigurationCommandInput,
  PutBucketNotificationConfigurationCommandOutput
>(async (input, { bucket, change, context }) => {
  const { parts, requestId } = context;
  const { NotificationConfiguration, SkipDestinationValidation } = input;
  const notification = readNotification(NotificationConfiguration, () =>
    randomText(parts.random, 24),
  );
  const missing = notification.rules.filter(({ to: { arn } }) => {
    const isOwn = arn.split(":")[4] === bucket.spec.accountId;
    return !isOwn || !placeOf(parts.places, arn)?.isThere(arn, bucket.project);
  });
  if (missing.length > 0 && !SkipDestinationValidation)
    throw new AwsError(
      "InvalidArgument",
      400,
      "Unable to validate the following destination configurations",
      {
        fields: Object.fromEntries(
          missing.flatMap(({ to }, index) => [
            [`ArgumentName${index + 1}`, to.arn],
            [`ArgumentValue${index + 1}`, "The destination does not exist"],
          ]),
        ),
      },
    );
  const isEmpty = notification.rules.length === 0 && !notification.eventBridge;
  const changed = await change(({ notification: _before, ...spec }) =>
    isEmpty ? spec : { ...spec, notification },
  );
  // Functions are told of no test.
  const rules = notification.rules.filter(({ to }) => to.kind !== "function");
  if (!SkipDestinationValidation) await parts.bucketEvents.test(changed, rules, requestId);
  return {};
});
