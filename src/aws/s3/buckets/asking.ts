import { parsed } from "#/access/policies/authorize.ts";
import { isPublicPolicy } from "#/access/policies/bucket-policy.ts";
import { canonicalUserIdOf } from "#/model/account.ts";
import type { Grant, Permission } from "#/model/bucket-grants.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import type { Principal } from "#/model/principal.ts";
import type { Ask, AwsContext } from "../../call.ts";
import { accessDenied } from "./errors.ts";
import { allowingToo, withoutAllowing } from "./changed-policy.ts";

/** What is asked of a bucket, or of an object in it. */
export interface AskedOfBucket {
  bucket: BucketRecord;
  /** "s3:GetObject". */
  action: string;
  key?: string;
  /** The object as it is, of actions on one that is there: who has it, and whom its ACL lets in. */
  object?: { ownerId: string; acl?: readonly Grant[] | undefined } | undefined;
  conditions?: Record<string, string | readonly string[]> | undefined;
  /** What only the call's document will say. */
  unknown?: Ask["unknown"];
}

/**
 * A question as policies are asked it. What ACLs grant is put to it as if the bucket's policy said it, so that what any
 * policy denies stays denied; what the bucket's public access block takes away is not in it. Throws "AccessDenied" to who does not
 * say that they pay, where they must.
 */
export function askOf(asked: AskedOfBucket, context: AwsContext): Ask {
  const { bucket, action, key, object, conditions, unknown } = asked;
  const { spec, name } = bucket;
  const isEnforced = spec.ownership === "BucketOwnerEnforced";
  const isOthers = !isEnforced && object !== undefined && object.ownerId !== spec.accountId;
  checkPayer(bucket, context);
  return {
    action,
    resource: key === undefined ? `arn:aws:s3:::${name}` : `arn:aws:s3:::${name}/${key}`,
    resourcePolicy: policyFor(asked, context.caller),
    ownerAccountId: isOthers ? object.ownerId : spec.accountId,
    conditions,
    ...(unknown && { unknown }),
  };
}

function policyFor(
  { bucket: { spec }, action, object }: AskedOfBucket,
  caller: Principal,
): string | undefined {
  const { publicAccessBlock: block, accountId } = spec;
  const isOutside = caller.accountId !== accountId;
  // The account itself can always look at what it has locked itself out with, and replace it.
  if (!isOutside && caller.kind === "account" && ofPolicies.has(action)) return undefined;
  let policy = spec.policy;
  if (
    policy !== undefined &&
    isOutside &&
    block?.restrictPublicBuckets &&
    isPublicPolicy(parsed(policy, "resource"))
  )
    policy = withoutAllowing(policy);
  if (spec.ownership === "BucketOwnerEnforced") return policy;
  const needed = permissions[action];
  if (!needed) return policy;
  const grants = needed.of === "bucket" ? spec.acl : object?.acl;
  const principal = grants && granted(grants, needed.permission, caller, block?.ignorePublicAcls);
  return principal === undefined ? policy : allowingToo(policy, action, principal);
}

/** Whom the ACL lets in, of what `caller` is part of. */
function granted(
  grants: readonly Grant[],
  permission: Permission,
  { kind, accountId }: Principal,
  ignoresPublic = false,
): string | undefined {
  const isAnonymous = kind === "anonymous";
  const canonicalId = isAnonymous ? undefined : canonicalUserIdOf(accountId);
  for (const grant of grants) {
    if (grant.permission !== permission && grant.permission !== "FULL_CONTROL") continue;
    const { to } = grant;
    if ("canonicalId" in to) {
      if (to.canonicalId === canonicalId) return accountId;
    } else if (ignoresPublic) continue;
    else if (to.group === "AllUsers" || (to.group === "AuthenticatedUsers" && !isAnonymous))
      return "*";
  }
  return undefined;
}

const ofPolicies = new Set(["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"]);

/** What each permission of an ACL allows. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions */
const permissions: Record<string, { of: "bucket" | "object"; permission: Permission }> =
  Object.fromEntries(
    (
      [
        ["bucket", "READ", "ListBucket ListBucketVersions ListBucketMultipartUploads"],
        ["bucket", "WRITE", "PutObject DeleteObject AbortMultipartUpload ListMultipartUploadParts"],
        ["bucket", "READ_ACP", "GetBucketAcl"],
        ["bucket", "WRITE_ACP", "PutBucketAcl"],
        [
          "object",
          "READ",
          "GetObject GetObjectVersion GetObjectAttributes GetObjectVersionAttributes",
        ],
        ["object", "READ_ACP", "GetObjectAcl GetObjectVersionAcl"],
        ["object", "WRITE_ACP", "PutObjectAcl PutObjectVersionAcl"],
      ] as const
    ).flatMap(([of, permission, actions]) =>
      actions.split(" ").map((action) => [`s3:${action}`, { of, permission }]),
    ),
  );

function checkPayer({ spec }: BucketRecord, { caller, request }: AwsContext): void {
  if (!spec.requesterPays || caller.accountId === spec.accountId) return;
  if (caller.kind === "anonymous" || request.headers["x-amz-request-payer"] !== "requester")
    throw accessDenied();
}
