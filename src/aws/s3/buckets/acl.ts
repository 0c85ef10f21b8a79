import type { AccessControlPolicy, Grant as SdkGrant } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { accountIdOf, canonicalUserIdOf } from "#/model/account.ts";
import { AwsError } from "#/model/aws-error.ts";
import { groupUris, type Grant, type Permission } from "#/model/bucket-grants.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import type { Space } from "#/space/space.ts";
import { accessDenied, invalidArgument, invalidRequest, malformedAcl } from "./errors.ts";

/** What a call says of an ACL: in one header, in several, or in its body. */
export interface AclAsked {
  ACL?: string | undefined;
  AccessControlPolicy?: AccessControlPolicy | undefined;
  GrantFullControl?: string | undefined;
  GrantRead?: string | undefined;
  GrantReadACP?: string | undefined;
  GrantWrite?: string | undefined;
  GrantWriteACP?: string | undefined;
}

interface Owners {
  space: Space;
  /** Account that what the ACL is of belongs to. */
  owner: string;
  /** Of an object: the account that has the bucket. */
  bucketOwner?: string;
}

/**
 * All grants that are asked for, the owner's own too where a canned ACL means it; undefined when none are. Throws what S3
 * documents: "InvalidArgument", "InvalidRequest", "MalformedXML", "MalformedACLError", "UnresolvableGrantByEmailAddress" …
 */
export function readAcl(asked: AclAsked, owners: Owners): Grant[] | undefined {
  const byHeaders = headerGrants(asked, owners);
  const canned = asked.ACL;
  if (canned !== undefined && byHeaders)
    throw invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed");
  if (asked.AccessControlPolicy && (canned !== undefined || byHeaders))
    throw new AwsError("UnexpectedContent", 400, "This request does not support content");
  if (canned !== undefined) return cannedGrants(canned, owners);
  const grants =
    byHeaders ?? (asked.AccessControlPolicy && policyGrants(asked.AccessControlPolicy, owners));
  if (grants && grants.length > limits.bucketGrantsMax)
    throw new AwsError(
      "MalformedACLError",
      400,
      `The ACL that you provided was not well formed: it has at most ${limits.bucketGrantsMax} grants`,
    );
  return grants;
}

export const ownersGrant = (accountId: string): Grant => ({
  to: { canonicalId: canonicalUserIdOf(accountId) },
  permission: "FULL_CONTROL",
});

/** True for an ACL that says only that the owner may do everything. */
export function ownersOwn(grants: readonly Grant[], accountId: string): boolean {
  const [grant] = grants;
  return (
    grants.length === 1 &&
    grant!.permission === "FULL_CONTROL" &&
    "canonicalId" in grant!.to &&
    grant!.to.canonicalId === canonicalUserIdOf(accountId)
  );
}

/** Throws "AccessDenied" for grants to everybody where these are blocked. */
export function checkPublicGrants(
  grants: readonly Grant[],
  block: BucketSpec["publicAccessBlock"],
): void {
  if (block?.blockPublicAcls && grants.some(isPublic)) throw accessDenied();
}

const isPublic = ({ to }: Grant) => "group" in to && to.group !== "LogDelivery";

export const aclsNotSupported = () =>
  new AwsError("AccessControlListNotSupported", 400, "The bucket does not allow ACLs");

export const invalidBucketAcl = () =>
  new AwsError(
    "InvalidBucketAclWithObjectOwnership",
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  );

function cannedGrants(name: string, { owner, bucketOwner = owner }: Owners): Grant[] {
  const own = ownersGrant(owner);
  const to = (
    group: "AllUsers" | "AuthenticatedUsers" | "LogDelivery",
    permission: Permission,
  ) => ({
    to: { group },
    permission,
  });
  const bucketOwners = (permission: Permission): Grant[] =>
    bucketOwner === owner ? [] : [{ ...ownersGrant(bucketOwner), permission }];
  switch (name) {
    case "private":
    case "aws-exec-read": // to a service that is not here
      return [own];
    case "public-read":
      return [own, to("AllUsers", "READ")];
    case "public-read-write":
      return [own, to("AllUsers", "READ"), to("AllUsers", "WRITE")];
    case "authenticated-read":
      return [own, to("AuthenticatedUsers", "READ")];
    case "log-delivery-write":
      return [own, to("LogDelivery", "WRITE"), to("LogDelivery", "READ_ACP")];
    case "bucket-owner-read":
      return [own, ...bucketOwners("READ")];
    case "bucket-owner-full-control":
      return [own, ...bucketOwners("FULL_CONTROL")];
    default:
      throw invalidArgument("", "x-amz-acl", name);
  }
}

const headers: [name: keyof AclAsked, permission: Permission][] = [
  ["GrantFullControl", "FULL_CONTROL"],
  ["GrantRead", "READ"],
  ["GrantReadACP", "READ_ACP"],
  ["GrantWrite", "WRITE"],
  ["GrantWriteACP", "WRITE_ACP"],
];

function headerGrants(asked: AclAsked, owners: Owners): Grant[] | undefined {
  const grants: Grant[] = [];
  for (const [name, permission] of headers) {
    const text = asked[name] as string | undefined;
    if (text === undefined) continue;
    for (const grantee of text.split(",")) {
      const [, kind, value] =
        /^\s*(id|uri|emailaddress)\s*=\s*(?:"([^"]*)"|\S*)\s*$/i.exec(grantee) ?? [];
      const plain = value ?? grantee.slice(grantee.indexOf("=") + 1).trim();
      if (kind === undefined)
        throw invalidArgument("Argument format not recognized", headerName(permission), text);
      grants.push({ to: readGrantee(kind.toLowerCase(), plain, owners), permission });
    }
  }
  return grants.length > 0 ? grants : undefined;
}

const headerName = (permission: Permission) =>
  `x-amz-grant-${permission.toLowerCase().replace("_", "-")}`;

function policyGrants({ Grants, Owner }: AccessControlPolicy, owners: Owners): Grant[] {
  if (!Grants || !Owner?.ID) throw malformedAcl();
  if (Owner.ID !== canonicalUserIdOf(owners.owner)) throw accessDenied();
  return Grants.map(({ Grantee, Permission: permission }) => {
    if (!Grantee || !permissions.has(permission as string)) throw malformedAcl();
    const { Type, ID, URI, EmailAddress } = Grantee;
    const value = Type === "CanonicalUser" ? ID : Type === "Group" ? URI : EmailAddress;
    const kind = kinds[Type ?? ""];
    if (kind === undefined || value === undefined) throw malformedAcl();
    return { to: readGrantee(kind, value, owners), permission: permission as Permission };
  });
}

const kinds: Record<string, string> = {
  CanonicalUser: "id",
  Group: "uri",
  AmazonCustomerByEmail: "emailaddress",
};
const permissions = new Set(["FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP"]);

function readGrantee(kind: string, value: string, { space, owner }: Owners): Grant["to"] {
  if (kind === "uri") {
    const [group] = Object.entries(groupUris).find(([, uri]) => uri === value) ?? [];
    if (group === undefined) throw invalidArgument("Invalid group uri", "uri", value);
    return { group: group as keyof typeof groupUris };
  }
  if (kind === "emailaddress")
    throw new AwsError(
      "UnresolvableGrantByEmailAddress",
      400,
      "The e-mail address you provided does not match any account on record.",
      { fields: { EmailAddress: value } },
    );
  if (value === canonicalUserIdOf(owner)) return { canonicalId: value };
  for (const project of space.all("project"))
    if (canonicalUserIdOf(accountIdOf(project)) === value) return { canonicalId: value };
  throw invalidArgument("Invalid id", "CanonicalUser/ID", value);
}

export function writeGrants(grants: readonly Grant[]): SdkGrant[] {
  return grants.map(({ to, permission }) => ({
    Grantee:
      "group" in to
        ? { Type: "Group", URI: groupUris[to.group] }
        : { Type: "CanonicalUser", ID: to.canonicalId },
    Permission: permission,
  }));
}
