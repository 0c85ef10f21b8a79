import type { GetBucketAclCommandInput, GetBucketAclCommandOutput } from "@aws-sdk/client-s3";
import { canonicalUserIdOf } from "#/model/account.ts";
import { ownersGrant, writeGrants } from "./acl.ts";
import { onBucket } from "./on-bucket.ts";

export const getBucketAcl = onBucket<GetBucketAclCommandInput, GetBucketAclCommandOutput>(
  (_, { bucket }) => {
    const { accountId, acl = [ownersGrant(accountId)] } = bucket.spec;
    return { Owner: { ID: canonicalUserIdOf(accountId) }, Grants: writeGrants(acl) };
  },
);
