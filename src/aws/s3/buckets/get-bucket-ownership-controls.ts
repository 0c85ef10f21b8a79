import type {
  GetBucketOwnershipControlsCommandInput,
  GetBucketOwnershipControlsCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketOwnershipControls = onBucket<
  GetBucketOwnershipControlsCommandInput,
  GetBucketOwnershipControlsCommandOutput
>((_, { bucket }) => {
  const { ownership } = bucket.spec;
  if (!ownership) throw notSet("OwnershipControlsNotFoundError", bucket);
  return { OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] } };
});
