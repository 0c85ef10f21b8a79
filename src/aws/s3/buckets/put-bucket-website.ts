import type {
  PutBucketWebsiteCommandInput,
  PutBucketWebsiteCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";
import { readWebsite } from "./website.ts";

export const putBucketWebsite = onBucket<
  PutBucketWebsiteCommandInput,
  PutBucketWebsiteCommandOutput
>(async ({ WebsiteConfiguration }, { change }) => {
  const website = readWebsite(WebsiteConfiguration);
  await change((spec) => ({ ...spec, website }));
  return {};
});
