import type {
  GetFederationTokenCommandInput,
  GetFederationTokenCommandOutput,
} from "@aws-sdk/client-sts";
import type { AwsOperation } from "../call.ts";
import { longLived, rootSecondsMax, secondsMax, withoutIam } from "./get-session-token.ts";
import {
  checkedSeconds,
  checkedSessionName,
  credentialsView,
  sessionPolicies,
} from "./session-input.ts";

const secondsDefault = 43_200;

/** A session for somebody else: what the caller may, as far as the policies given here go. */
export const getFederationToken: AwsOperation<
  GetFederationTokenCommandInput,
  GetFederationTokenCommandOutput
> = {
  asks: ({ Name = "" }, { caller: { accountId } }) => ({
    action: "sts:GetFederationToken",
    resource: `arn:aws:sts::${accountId}:federated-user/${Name}`,
  }),
  run(input, context) {
    const { parts, caller } = context;
    const sessionName = checkedSessionName(input.Name!, "name", 32);
    const max = caller.kind === "account" ? rootSecondsMax : secondsMax;
    const seconds = checkedSeconds(
      input.DurationSeconds ?? Math.min(secondsDefault, max),
      secondsMax,
    );
    const bounds = sessionPolicies(input.Policy, input.PolicyArns);
    const keys = parts.identities.makeSession({
      ...longLived(context),
      sessionName,
      isFederated: true,
      expiresAt: parts.clock.now() + Math.min(seconds, max) * 1000,
      ...bounds,
      policies: [...(bounds.policies ?? []), withoutIam],
    });
    const { accountId } = caller;
    return {
      Credentials: credentialsView(keys),
      FederatedUser: {
        FederatedUserId: `${accountId}:${sessionName}`,
        Arn: `arn:aws:sts::${accountId}:federated-user/${sessionName}`,
      },
    };
  },
};
