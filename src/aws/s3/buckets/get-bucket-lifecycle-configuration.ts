import type {
  GetBucketLifecycleConfigurationCommandInput,
  GetBucketLifecycleConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { writeLifecycle } from "./lifecycle-answer.ts";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketLifecycleConfiguration = onBucket<
  GetBucketLifecycleConfigurationCommandInput,
  GetBucketLifecycleConfigurationCommandOutput
>((_, { bucket }) => {
  const { lifecycle } = bucket.spec;
  if (!lifecycle) throw notSet("NoSuchLifecycleConfiguration", bucket);
  return {
    Rules: writeLifecycle(lifecycle.rules),
    TransitionDefaultMinimumObjectSize: lifecycle.transitionsSmall
      ? "varies_by_storage_class"
      : "all_storage_classes_128K",
  };
});
