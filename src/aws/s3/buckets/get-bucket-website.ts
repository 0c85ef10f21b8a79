import type {
  GetBucketWebsiteCommandInput,
  GetBucketWebsiteCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";
import { writeWebsite } from "./website.ts";

export const getBucketWebsite = onBucket<
  GetBucketWebsiteCommandInput,
  GetBucketWebsiteCommandOutput
>((_, { bucket }) => {
  const { website } = bucket.spec;
  if (!website) throw notSet("NoSuchWebsiteConfiguration", bucket);
  return writeWebsite(website);
});
