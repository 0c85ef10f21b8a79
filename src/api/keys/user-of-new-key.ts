import { CanopyError } from "#/base/errors.ts";
import { iamName } from "#/model/iam.ts";
import { actionOf, requirePolicy } from "../action.ts";
import type { Call } from "../call.ts";

/**
 * Whose a new key shall be. A caller that is bound to a user makes keys of that user when it names none, and of another one where its
 * policies allow that on "users/NAME/keys": never one that nothing binds. Throws "forbidden", and "not-found" for a user who is not there.
 */
export function userOfNewKey(
  { parts, project, caller, request }: Call<unknown, unknown, unknown>,
  asked: string | undefined,
): string | undefined {
  const name = asked ?? caller.user;
  if (name === undefined) return undefined;
  const record = parts.space.get("iam-user", iamName(project, name));
  if (!record)
    throw new CanopyError(
      "not-found",
      `Cannot find the user '${name}' in the project '${project}'`,
      {
        hint: "See them all: aws iam list-users",
      },
    );
  const isOwn = caller.user === undefined || iamName(project, caller.user) === record.name;
  const { ip, headers, method, routeOptions } = request;
  if (!isOwn) {
    const url = `/v1/users/${record.spec.name}/keys`;
    requirePolicy(parts, caller, actionOf(method, routeOptions.url!), { url, ip, headers });
  }
  return name;
}
