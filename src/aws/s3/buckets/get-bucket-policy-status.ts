import type {
  GetBucketPolicyStatusCommandInput,
  GetBucketPolicyStatusCommandOutput,
} from "@aws-sdk/client-s3";
import { parsed } from "#/access/policies/authorize.ts";
import { isPublicPolicy } from "#/access/policies/bucket-policy.ts";
import { notSet } from "./not-set.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketPolicyStatus = onBucket<
  GetBucketPolicyStatusCommandInput,
  GetBucketPolicyStatusCommandOutput
>((_, { bucket }) => {
  const { policy } = bucket.spec;
  if (policy === undefined) throw notSet("NoSuchBucketPolicy", bucket);
  return { PolicyStatus: { IsPublic: isPublicPolicy(parsed(policy, "resource")) } };
});
