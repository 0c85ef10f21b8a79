import type { GetBucketPolicyCommandInput, GetBucketPolicyCommandOutput } from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketPolicy = onBucket<GetBucketPolicyCommandInput, GetBucketPolicyCommandOutput>(
  (_, { bucket }) => {
    const { policy } = bucket.spec;
    if (policy === undefined) throw notSet("NoSuchBucketPolicy", bucket);
    return { Policy: policy };
  },
);
