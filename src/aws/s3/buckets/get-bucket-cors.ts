import type { GetBucketCorsCommandInput, GetBucketCorsCommandOutput } from "@aws-sdk/client-s3";
import { writeCors } from "./cors.ts";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketCors = onBucket<GetBucketCorsCommandInput, GetBucketCorsCommandOutput>(
  (_, { bucket }) => {
    const { cors } = bucket.spec;
    if (!cors) throw notSet("NoSuchCORSConfiguration", bucket);
    return { CORSRules: writeCors(cors) };
  },
);
