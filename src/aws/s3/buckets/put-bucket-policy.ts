import type { PutBucketPolicyCommandInput, PutBucketPolicyCommandOutput } from "@aws-sdk/client-s3";
import { isPublicPolicy, parseBucketPolicy } from "#/access/policies/bucket-policy.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { iamArn, iamName } from "#/model/iam.ts";
import type { AwsContext } from "../../call.ts";
import { accessDenied } from "./errors.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketPolicy = onBucket<PutBucketPolicyCommandInput, PutBucketPolicyCommandOutput>(
  async ({ Policy: policy = "" }, { bucket, context, change }) => {
    const isThere = (principal: string) => isKnown(principal, bucket, context);
    const isPublic = isPublicPolicy(parseBucketPolicy(policy, bucket.name, isThere));
    await change((spec) => {
      if (isPublic && spec.publicAccessBlock?.blockPublicPolicy) throw accessDenied();
      return { ...spec, policy };
    });
    return {};
  },
);

const ofIdentity = /^arn:[^:]+:iam::(\d{12}):(user|role)\/(?:.*\/)?([^/]+)$/;

/** Whether a user or a role of the bucket's own account is there. Nobody learns that of other accounts. */
function isKnown(
  principal: string,
  { project, spec: { accountId } }: BucketRecord,
  { parts: { space } }: AwsContext,
): boolean {
  const [, account, type, name] = ofIdentity.exec(principal) ?? [];
  if (account !== accountId) return true;
  const kind = type === "user" ? "iam-user" : "iam-role";
  const found = space.get(kind, iamName(project, name!));
  return found !== undefined && iamArn(kind, accountId, found.spec) === principal;
}
