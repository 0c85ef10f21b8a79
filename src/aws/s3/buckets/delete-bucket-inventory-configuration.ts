import type {
  DeleteBucketInventoryConfigurationCommandInput,
  DeleteBucketInventoryConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const deleteBucketInventoryConfiguration = onBucket<
  DeleteBucketInventoryConfigurationCommandInput,
  DeleteBucketInventoryConfigurationCommandOutput
>(async ({ Id = "" }, { bucket, change }) => {
  await change((spec) => {
    const { [Id]: before, ...inventory } = spec.inventory ?? {};
    if (!before) throw notSet("NoSuchConfiguration", bucket);
    return { ...spec, inventory };
  });
  return {};
});
