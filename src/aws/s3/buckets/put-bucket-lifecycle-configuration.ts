import type {
  PutBucketLifecycleConfigurationCommandInput,
  PutBucketLifecycleConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { randomText } from "#/base/random.ts";
import { invalidArgument } from "./errors.ts";
import { readLifecycle } from "./lifecycle.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketLifecycleConfiguration = onBucket<
  PutBucketLifecycleConfigurationCommandInput,
  PutBucketLifecycleConfigurationCommandOutput
>(
  async (
    { LifecycleConfiguration, TransitionDefaultMinimumObjectSize: smallest },
    { change, context },
  ) => {
    const rules = readLifecycle(LifecycleConfiguration?.Rules, () =>
      randomText(context.parts.random, 32),
    );
    const known = ["varies_by_storage_class", "all_storage_classes_128K", undefined];
    if (!known.includes(smallest))
      throw invalidArgument(
        "The x-amz-transition-default-minimum-object-size is not valid",
        "x-amz-transition-default-minimum-object-size",
        smallest,
      );
    const transitionsSmall = smallest === "varies_by_storage_class";
    await change((spec) => ({ ...spec, lifecycle: { rules, transitionsSmall } }));
    return { TransitionDefaultMinimumObjectSize: smallest ?? "all_storage_classes_128K" };
  },
);
