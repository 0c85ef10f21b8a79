import type {
  GetSessionTokenCommandInput,
  GetSessionTokenCommandOutput,
} from "@aws-sdk/client-sts";
import { AwsError } from "#/model/aws-error.ts";
import { iamName } from "#/model/iam.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { checkedSeconds, credentialsView } from "./session-input.ts";

const secondsDefault = 43_200;
export const secondsMax = 129_600;
export const rootSecondsMax = 3600;

/** What all of AWS keeps from such sessions, when nobody showed a second factor. */
export const withoutIam = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "iam:*", Resource: "*" }],
});
const everything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** A session of who asks. Everyone may have one. */
export const getSessionToken: AwsOperation<
  GetSessionTokenCommandInput,
  GetSessionTokenCommandOutput
> = {
  asks: () => [],
  run({ DurationSeconds }, context) {
    const { parts, caller } = context;
    const isRoot = caller.kind === "account";
    const max = isRoot ? rootSecondsMax : secondsMax;
    const seconds = checkedSeconds(DurationSeconds ?? Math.min(secondsDefault, max), secondsMax);
    const keys = parts.identities.makeSession({
      ...longLived(context),
      policies: [everything, withoutIam],
      expiresAt: parts.clock.now() + Math.min(seconds, max) * 1000,
    });
    return { Credentials: credentialsView(keys) };
  },
};

/** Whom a session of the caller acts as. Throws "AccessDenied" for one that is a session itself. */
export function longLived({ caller, operation, parts }: AwsContext) {
  const { project, name } = caller;
  if (caller.kind === "role" || caller.expiresAt !== undefined)
    throw new AwsError("AccessDenied", 403, `Cannot call ${operation} with session credentials`);
  if (caller.kind === "account") return { project, as: "account" as const };
  const user = parts.space.get("iam-user", iamName(project, name))!;
  return { project, as: { kind: "user" as const, name: user.spec.name, id: user.spec.id } };
}
