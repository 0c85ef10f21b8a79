import { includesRole } from "#/access/roles.ts";
import { CanopyError } from "#/base/errors.ts";
import { accountIdOf } from "#/model/account.ts";
import { iamArn, iamName } from "#/model/iam.ts";
import { requirePolicy } from "../action.ts";
import type { Call } from "../call.ts";

/**
 * Who launches with a profile hands its role on. Throws "forbidden" where a user's policies do not allow "iam:PassRole" on that role,
 * and for a key that is bound to no user and is not an admin's.
 */
export function requirePassRole(call: Call<unknown, unknown, unknown>, profile: string): void {
  const { parts, caller, project, request } = call;
  if (caller.user === undefined) {
    if (includesRole(caller.role, "admin")) return;
    throw new CanopyError(
      "forbidden",
      `Cannot launch with the instance profile '${profile}' as that takes the role admin: this key has ${caller.role}`,
      { hint: "Ask an admin, or for a key of a user who may iam:PassRole" },
    );
  }
  const { space } = parts;
  const record = space.get("iam-instance-profile", iamName(project, profile));
  const role = record?.spec.role;
  const found = role === undefined ? undefined : space.get("iam-role", iamName(project, role));
  // Without a role there is nothing to pass on.
  if (!found) return;
  const accountId = accountIdOf(space.get("project", project)!);
  const resource = iamArn("iam-role", accountId, found.spec);
  const { url, ip, headers } = request;
  requirePolicy(parts, caller, "iam:PassRole", { url, ip, headers, resource });
}
