import type {
  GetBucketInventoryConfigurationCommandInput,
  GetBucketInventoryConfigurationCommandOutput,
} from "@aws-sdk/client-s3";
import { writeInventory } from "./inventory.ts";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketInventoryConfiguration = onBucket<
  GetBucketInventoryConfigurationCommandInput,
  GetBucketInventoryConfigurationCommandOutput
>(({ Id = "" }, { bucket }) => {
  const rule = bucket.spec.inventory?.[Id];
  if (!rule) throw notSet("NoSuchConfiguration", bucket);
  return { InventoryConfiguration: writeInventory(Id, rule) };
});
