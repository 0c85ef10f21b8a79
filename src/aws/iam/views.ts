import type { Group, Policy, Role, User } from "@aws-sdk/client-iam";
import { documentOf } from "#/access/identities/policies-of.ts";
import {
  iamArn,
  type IamEntity,
  type IamPolicySpec,
  type IamRoleSpec,
  type IamUserSpec,
} from "#/model/iam.ts";
import type { AwsContext } from "../call.ts";
import { tagList } from "./tag-list.ts";

/** Documents are told as addresses are encoded. */
export const encodedDocument = (text: string) => encodeURIComponent(text);

export function userView(spec: IamUserSpec, { caller }: AwsContext): User {
  return {
    Path: spec.path,
    UserName: spec.name,
    UserId: spec.id,
    Arn: iamArn("iam-user", caller.accountId, spec),
    CreateDate: new Date(spec.createdAt),
    ...boundaryView(spec.boundary),
    ...(spec.tags && { Tags: tagList(spec.tags) }),
  };
}

export function groupView(spec: IamEntity, { caller }: AwsContext): Group {
  return {
    Path: spec.path,
    GroupName: spec.name,
    GroupId: spec.id,
    Arn: iamArn("iam-group", caller.accountId, spec),
    CreateDate: new Date(spec.createdAt),
  };
}

export function roleView(spec: IamRoleSpec, { caller }: AwsContext): Role {
  return {
    Path: spec.path,
    RoleName: spec.name,
    RoleId: spec.id,
    Arn: iamArn("iam-role", caller.accountId, spec),
    CreateDate: new Date(spec.createdAt),
    AssumeRolePolicyDocument: encodedDocument(spec.trust),
    MaxSessionDuration: spec.sessionSecondsMax,
    ...(spec.description !== undefined && { Description: spec.description }),
    ...boundaryView(spec.boundary),
    ...(spec.tags && { Tags: tagList(spec.tags) }),
  };
}

export function policyView(spec: IamPolicySpec, context: AwsContext, isShort = false): Policy {
  const arn = iamArn("iam-policy", context.caller.accountId, spec);
  const uses = usesOf(arn, context);
  return {
    PolicyName: spec.name,
    PolicyId: spec.id,
    Arn: arn,
    Path: spec.path,
    DefaultVersionId: spec.defaultVersion,
    AttachmentCount: uses.attached,
    PermissionsBoundaryUsageCount: uses.bounding,
    IsAttachable: true,
    CreateDate: new Date(spec.createdAt),
    UpdateDate: new Date(spec.updatedAt),
    ...(!isShort && spec.description !== undefined && { Description: spec.description }),
    ...(!isShort && spec.tags && { Tags: tagList(spec.tags) }),
  };
}

/** How many entities a managed policy is attached to, and bounds. */
export function usesOf(arn: string, { parts, caller }: AwsContext) {
  let attached = 0;
  let bounding = 0;
  for (const kind of ["iam-user", "iam-group", "iam-role"] as const)
    for (const { spec } of parts.space.list(kind, caller.project)) {
      if (spec.attached.includes(arn)) attached++;
      if ("boundary" in spec && spec.boundary === arn) bounding++;
    }
  return { attached, bounding };
}

/** Whether there is a managed policy of that ARN, AWS's or the account's own. */
export function isManagedPolicy(arn: string, { parts, caller }: AwsContext): boolean {
  if (
    !arn.startsWith("arn:aws:iam::aws:policy/") &&
    !arn.startsWith(`arn:aws:iam::${caller.accountId}:policy/`)
  )
    return false;
  return documentOf(parts.space, caller.project, arn) !== undefined;
}

function boundaryView(arn: string | undefined) {
  return (
    arn !== undefined && {
      PermissionsBoundary: {
        PermissionsBoundaryType: "PermissionsBoundaryPolicy" as const,
        PermissionsBoundaryArn: arn,
      },
    }
  );
}
