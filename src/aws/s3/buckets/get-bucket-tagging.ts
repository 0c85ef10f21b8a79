import type {
  GetBucketTaggingCommandInput,
  GetBucketTaggingCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";
import { writeBucketTags } from "./tags.ts";

export const getBucketTagging = onBucket<
  GetBucketTaggingCommandInput,
  GetBucketTaggingCommandOutput
>((_, { bucket }) => {
  const { tags } = bucket.spec;
  if (!tags || Object.keys(tags).length === 0) throw notSet("NoSuchTagSet", bucket);
  return { TagSet: writeBucketTags(tags) };
});
