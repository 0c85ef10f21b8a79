import type {
  PutPublicAccessBlockCommandInput,
  PutPublicAccessBlockCommandOutput,
} from "@aws-sdk/client-s3";
import { malformedXml } from "./errors.ts";
import { onBucket } from "./on-bucket.ts";

export const putPublicAccessBlock = onBucket<
  PutPublicAccessBlockCommandInput,
  PutPublicAccessBlockCommandOutput
>(async ({ PublicAccessBlockConfiguration: asked }, { change }) => {
  if (!asked) throw malformedXml();
  const publicAccessBlock = {
    blockPublicAcls: asked.BlockPublicAcls ?? false,
    ignorePublicAcls: asked.IgnorePublicAcls ?? false,
    blockPublicPolicy: asked.BlockPublicPolicy ?? false,
    restrictPublicBuckets: asked.RestrictPublicBuckets ?? false,
  };
  await change((spec) => ({ ...spec, publicAccessBlock }));
  return {};
});
