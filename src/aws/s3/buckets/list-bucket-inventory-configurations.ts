import type {
  ListBucketInventoryConfigurationsCommandInput,
  ListBucketInventoryConfigurationsCommandOutput,
} from "@aws-sdk/client-s3";
import { writeInventory } from "./inventory.ts";
import { onBucket } from "./on-bucket.ts";

const pageSize = 100;

export const listBucketInventoryConfigurations = onBucket<
  ListBucketInventoryConfigurationsCommandInput,
  ListBucketInventoryConfigurationsCommandOutput
>(({ ContinuationToken: after }, { bucket }) => {
  const ids = Object.keys(bucket.spec.inventory ?? {}).sort();
  const rest = after === undefined ? ids : ids.filter((id) => id > after);
  const page = rest.slice(0, pageSize);
  const isTruncated = rest.length > page.length;
  return {
    ContinuationToken: after,
    InventoryConfigurationList: page.map((id) => writeInventory(id, bucket.spec.inventory![id]!)),
    IsTruncated: isTruncated,
    NextContinuationToken: isTruncated ? page.at(-1) : undefined,
  };
});
