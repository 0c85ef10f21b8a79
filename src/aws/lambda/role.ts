import { assumableRole } from "#/functions/role.ts";
import type { Ask, AwsContext } from "../call.ts";
import { invalidParameter, lambdaError, requirePattern } from "./errors.ts";

const rolePattern = /arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+/;

/** Who gives a function a role must be allowed to pass it on. */
export function asksToPass(role: string | undefined, { caller }: AwsContext): Ask[] {
  if (role === undefined) return [];
  requirePattern("role", role, rolePattern);
  if (accountOf(role) !== caller.accountId)
    throw lambdaError("AccessDeniedException", 403, "Cross-account pass role is not allowed.");
  const conditions = { "iam:PassedToService": "lambda.amazonaws.com" };
  return [{ action: "iam:PassRole", resource: role, conditions }];
}

/** Throws "InvalidParameterValueException" for a role that is not there, or does not trust Lambda. */
export function requireAssumable(role: string, { parts, caller }: AwsContext): void {
  if (!assumableRole(parts.space, caller, role))
    throw invalidParameter("The role defined for the function cannot be assumed by Lambda.");
}

const accountOf = (role: string) => role.split(":")[4];
