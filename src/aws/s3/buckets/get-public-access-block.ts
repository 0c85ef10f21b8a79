import type {
  GetPublicAccessBlockCommandInput,
  GetPublicAccessBlockCommandOutput,
} from "@aws-sdk/client-s3";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getPublicAccessBlock = onBucket<
  GetPublicAccessBlockCommandInput,
  GetPublicAccessBlockCommandOutput
>((_, { bucket }) => {
  const block = bucket.spec.publicAccessBlock;
  if (!block) throw notSet("NoSuchPublicAccessBlockConfiguration", bucket);
  return {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: block.blockPublicAcls,
      IgnorePublicAcls: block.ignorePublicAcls,
      BlockPublicPolicy: block.blockPublicPolicy,
      RestrictPublicBuckets: block.restrictPublicBuckets,
    },
  };
});
