import type { PutBucketAclCommandInput, PutBucketAclCommandOutput } from "@aws-sdk/client-s3";
import { aclsNotSupported, checkPublicGrants, ownersOwn, readAcl } from "./acl.ts";
import { AwsError } from "#/model/aws-error.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketAcl = onBucket<PutBucketAclCommandInput, PutBucketAclCommandOutput>(
  async (input, { bucket, change, context }) => {
    const acl = readAcl(input, { space: context.parts.space, owner: bucket.spec.accountId });
    if (!acl)
      throw new AwsError(
        "MissingSecurityHeader",
        400,
        "Your request was missing a required header",
        { fields: { MissingHeaderName: "x-amz-acl" } },
      );
    await change((spec) => {
      if (spec.ownership === "BucketOwnerEnforced" && !ownersOwn(acl, spec.accountId))
        throw aclsNotSupported();
      checkPublicGrants(acl, spec.publicAccessBlock);
      const { acl: _before, ...rest } = spec;
      return ownersOwn(acl, spec.accountId) ? rest : { ...rest, acl };
    });
    return {};
  },
);
