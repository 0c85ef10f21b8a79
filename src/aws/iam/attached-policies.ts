import type { AwsContext } from "../call.ts";
import { changingEntity, readingEntity, words, type EntityKind, type Named } from "./entities.ts";
import { limitExceeded, noSuchEntity } from "./errors.ts";
import { pageOf, type Paging } from "./pages.ts";
import { isManagedPolicy } from "./views.ts";

type OnPolicy = Named & { PolicyArn: string | undefined };

const attachedMax = 10;

const attach = (kind: EntityKind) =>
  changingEntity<EntityKind, OnPolicy>(kind, (spec, { PolicyArn = "" }, context) => {
    checkManaged(PolicyArn, context);
    if (spec.attached.includes(PolicyArn)) return spec;
    if (spec.attached.length >= attachedMax) {
      const word = words[kind];
      throw limitExceeded(`PoliciesPer${word[0]!.toUpperCase()}${word.slice(1)}`, attachedMax);
    }
    return { ...spec, attached: [...spec.attached, PolicyArn] };
  });

const detach = (kind: EntityKind) =>
  changingEntity<EntityKind, OnPolicy>(kind, (spec, { PolicyArn = "" }) => {
    if (!spec.attached.includes(PolicyArn))
      throw noSuchEntity(`Policy ${PolicyArn} was not found.`);
    return { ...spec, attached: spec.attached.filter((arn) => arn !== PolicyArn) };
  });

const list = (kind: EntityKind) =>
  readingEntity(kind, ({ spec }, input: Named & Paging & { PathPrefix?: string }) => {
    const prefix = input.PathPrefix ?? "/";
    const own = spec.attached.filter((arn) => pathOf(arn).startsWith(prefix));
    const { items, ...page } = pageOf(own, nameOf, input);
    return {
      AttachedPolicies: items.map((arn) => ({ PolicyName: nameOf(arn), PolicyArn: arn })),
      ...page,
    };
  });

/** Throws "NoSuchEntity" unless there is such a managed policy. */
export function checkManaged(arn: string, context: AwsContext): void {
  if (!isManagedPolicy(arn, context))
    throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
}

const nameOf = (arn: string) => arn.slice(arn.lastIndexOf("/") + 1);
const pathOf = (arn: string) => arn.slice(arn.indexOf("/"), arn.lastIndexOf("/") + 1);

export const attachUserPolicy = attach("iam-user");
export const attachGroupPolicy = attach("iam-group");
export const attachRolePolicy = attach("iam-role");
export const detachUserPolicy = detach("iam-user");
export const detachGroupPolicy = detach("iam-group");
export const detachRolePolicy = detach("iam-role");
export const listAttachedUserPolicies = list("iam-user");
export const listAttachedGroupPolicies = list("iam-group");
export const listAttachedRolePolicies = list("iam-role");
