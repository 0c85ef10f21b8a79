import { AwsError } from "#/model/aws-error.ts";
import type { Ask, AwsContext } from "../call.ts";

/** What must be allowed to ask of an account: only one's own can be asked of, as there are no organizations. */
export function askOfAccount(
  action: string,
  accountId: string | undefined,
  { caller }: AwsContext,
): Ask {
  if (accountId !== undefined && accountId !== caller.accountId)
    throw new AwsError(
      "AccessDenied",
      403,
      `User: ${caller.arn} is not authorized to perform: account:${action}`,
    );
  return { action: `account:${action}`, resource: `arn:aws:account::${caller.accountId}:account` };
}
