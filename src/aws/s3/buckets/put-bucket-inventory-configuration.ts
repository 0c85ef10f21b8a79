import type {
  PutBucketInventoryConfigurationCommandInput,
  PutBucketInventoryConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import { readInventory } from "./inventory.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketInventoryConfiguration = onBucket<
  PutBucketInventoryConfigurationCommandInput,
  PutBucketInventoryConfigurationCommandOutput
>(async ({ Id, InventoryConfiguration }, { bucket, change, context }) => {
  const rule = readInventory(Id, InventoryConfiguration);
  const target = context.parts.buckets.find(rule.targetBucket);
  if (!target || target.project !== bucket.project)
    throw new AwsError(
      "InvalidS3DestinationBucket",
      400,
      "The destination bucket must be there, and belong to the same account",
      { fields: { Bucket: rule.targetBucket } },
    );
  await change((spec) => {
    const inventory = { ...spec.inventory, [Id!]: rule };
    if (Object.keys(inventory).length > limits.inventoriesMax)
      throw new AwsError(
        "TooManyConfigurations",
        400,
        `You are attempting to create a new configuration but have already reached the ${limits.inventoriesMax} limit`,
      );
    return { ...spec, inventory };
  });
  return {};
});
