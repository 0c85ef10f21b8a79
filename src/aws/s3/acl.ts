import type { IncomingHttpHeaders } from "node:http";
import { canonicalUserIdOf } from "#/model/account.ts";
import type { Grant } from "#/model/bucket-grants.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";
import {
  aclsNotSupported,
  checkPublicGrants,
  ownersGrant,
  ownersOwn,
  readAcl,
  type AclAsked,
} from "./buckets/acl.ts";
import type { ObjectCall } from "./call.ts";
import { demandGrants } from "./permission.ts";

/**
 * The grants that a write asks for in its headers, as the store keeps them. Throws "InvalidArgument", "InvalidRequest",
 * "AccessControlListNotSupported", and "AccessDenied" for public ones where those are blocked, and for who may not grant.
 */
export function grantsOf(call: ObjectCall): string | undefined {
  const asked = askedBy(call.headers);
  const kept = asked && keptGrants(asked, call, call.ownerId);
  if (kept === undefined) return undefined;
  // Giving the bucket's owner its part is of putting there, as in the policies that AWS documents.
  const owners = new Set([call.ownerId, call.bucket.spec.accountId].map(canonicalUserIdOf));
  const isOwners = ({ to }: Grant) => "canonicalId" in to && owners.has(to.canonicalId);
  if (!(JSON.parse(kept) as Grant[]).every(isOwners)) demandGrants(call);
  return kept;
}

/** The same of what was asked in a body. */
export function keptGrants(
  asked: AclAsked,
  { context: { parts }, bucket: { spec } }: Pick<ObjectCall, "context" | "bucket">,
  ownerId: string,
): string | undefined {
  const owners = { space: parts.space, owner: ownerId, bucketOwner: spec.accountId };
  const grants = readAcl(asked, owners);
  if (!grants) return undefined;
  if (spec.ownership === "BucketOwnerEnforced") {
    // What says only what is so already is let through: clients older than that rule say "private" with each object.
    if (asked.ACL === "bucket-owner-full-control" || ownersOwn(grants, ownerId)) return undefined;
    throw aclsNotSupported();
  }
  checkPublicGrants(grants, spec.publicAccessBlock);
  return JSON.stringify(grants);
}

function askedBy(headers: IncomingHttpHeaders): AclAsked | undefined {
  let asked: AclAsked | undefined;
  for (const [header, name] of named) {
    const value = headers[header];
    if (typeof value !== "string") continue;
    asked ??= {};
    (asked as Record<string, string>)[name] = value;
  }
  return asked;
}

const named: [header: string, name: keyof AclAsked][] = [
  ["x-amz-acl", "ACL"],
  ["x-amz-grant-full-control", "GrantFullControl"],
  ["x-amz-grant-read", "GrantRead"],
  ["x-amz-grant-read-acp", "GrantReadACP"],
  ["x-amz-grant-write", "GrantWrite"],
  ["x-amz-grant-write-acp", "GrantWriteACP"],
];

/** All grants of an object: its owner's full control where none were given. */
export function aclOf(
  { acl, ownerId }: Pick<ObjectVersion, "acl" | "ownerId">,
  { ownership, accountId }: BucketSpec,
): { ownerId: string; grants: Grant[] } {
  const owner = ownership === "BucketOwnerEnforced" ? accountId : ownerId;
  if (acl === undefined || ownership === "BucketOwnerEnforced")
    return { ownerId: owner, grants: [ownersGrant(owner)] };
  return { ownerId: owner, grants: JSON.parse(acl) as Grant[] };
}
