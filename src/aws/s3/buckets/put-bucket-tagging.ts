import type {
  PutBucketTaggingCommandInput,
  PutBucketTaggingCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";
import { readBucketTags } from "./tags.ts";

export const putBucketTagging = onBucket<
  PutBucketTaggingCommandInput,
  PutBucketTaggingCommandOutput
>(async ({ Tagging }, { change }) => {
  const tags = readBucketTags(Tagging?.TagSet);
  await change((spec) => ({ ...spec, tags }));
  return {};
});
