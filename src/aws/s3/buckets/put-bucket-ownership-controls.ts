import type {
  PutBucketOwnershipControlsCommandInput,
  PutBucketOwnershipControlsCommandOutput,
} from "@aws-sdk/client-s3";
import { invalidBucketAcl } from "./acl.ts";
import { malformedXml } from "./errors.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketOwnershipControls = onBucket<
  PutBucketOwnershipControlsCommandInput,
  PutBucketOwnershipControlsCommandOutput
>(async ({ OwnershipControls }, { change }) => {
  const [rule, ...others] = OwnershipControls?.Rules ?? [];
  const ownership = rule?.ObjectOwnership;
  if (others.length > 0) throw malformedXml();
  if (
    ownership !== "BucketOwnerEnforced" &&
    ownership !== "BucketOwnerPreferred" &&
    ownership !== "ObjectWriter"
  )
    throw malformedXml();
  await change((spec) => {
    if (ownership === "BucketOwnerEnforced" && spec.acl) throw invalidBucketAcl();
    return { ...spec, ownership };
  });
  return {};
});
