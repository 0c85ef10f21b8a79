import { changingEntity, type Named } from "./entities.ts";
import { checkManaged } from "./attached-policies.ts";
import { noSuchEntity } from "./errors.ts";

type Putting = Named & { PermissionsBoundary: string | undefined };

const put = <K extends "iam-user" | "iam-role">(kind: K) =>
  changingEntity<K, Putting>(kind, (spec, { PermissionsBoundary: boundary = "" }, context) => {
    checkManaged(boundary, context);
    return { ...spec, boundary } as typeof spec;
  });

const remove = <K extends "iam-user" | "iam-role">(kind: K) =>
  changingEntity<K, Named>(kind, (spec) => {
    const { boundary, ...rest } = spec as typeof spec & { boundary?: string };
    if (boundary === undefined) throw noSuchEntity("There is no permissions boundary.");
    return rest as typeof spec;
  });

export const putUserPermissionsBoundary = put("iam-user");
export const putRolePermissionsBoundary = put("iam-role");
export const deleteUserPermissionsBoundary = remove("iam-user");
export const deleteRolePermissionsBoundary = remove("iam-role");
