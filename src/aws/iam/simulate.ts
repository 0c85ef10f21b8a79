import type {
  EvaluationResult,
  SimulateCustomPolicyCommandInput,
  SimulateCustomPolicyCommandOutput,
  SimulatePrincipalPolicyCommandInput,
  SimulatePrincipalPolicyCommandOutput,
} from "@aws-sdk/client-iam";
import { authorize, type IdentityPolicies } from "#/access/policies/authorize.ts";
import {
  parsePolicy,
  PolicyFault,
  type Policy,
  type PolicyKind,
} from "#/access/policies/policy.ts";
import { limits } from "#/base/limits.ts";
import { iamName } from "#/model/iam.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { Principal } from "#/model/principal.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { noSuchEntity, validationError } from "./errors.ts";
import { pageOf } from "./pages.ts";

/** What policies would decide, asked of those that decide every call. */
type Simulated = Omit<SimulateCustomPolicyCommandInput, "PolicyInputList">;

export const simulateCustomPolicy: AwsOperation<
  SimulateCustomPolicyCommandInput,
  SimulateCustomPolicyCommandOutput
> = {
  asks: () => ({ action: "iam:SimulateCustomPolicy", resource: "*" }),
  run(input, context) {
    const identity = policiesIn(input.PolicyInputList, "identity");
    const { accountId, project } = context.caller;
    const principal: Principal = {
      kind: "user",
      project,
      accountId,
      arn: `arn:aws:iam::${accountId}:user/simulated`,
      userId: "AIDASIMULATED",
      name: "simulated",
    };
    return simulated(principal, identity, input, context);
  },
};

export const simulatePrincipalPolicy: AwsOperation<
  SimulatePrincipalPolicyCommandInput,
  SimulatePrincipalPolicyCommandOutput
> = {
  asks: ({ PolicySourceArn = "*" }) => ({
    action: "iam:SimulatePrincipalPolicy",
    resource: PolicySourceArn,
  }),
  run(input, context) {
    const principal = principalOf(input.PolicySourceArn!, context);
    const own = context.parts.identities.policiesOf(principal);
    const identity = [...own.identity, ...policiesIn(input.PolicyInputList, "identity")];
    return simulated(principal, identity, input, context, own.boundary);
  },
};

function principalOf(arn: string, { parts, caller }: AwsContext): Principal {
  const [, accountId, type, rest = ""] =
    /^arn:aws:iam::(\d{12}):(user|role)\/(.+)$/.exec(arn) ?? [];
  const name = iamName(caller.project, rest.slice(rest.lastIndexOf("/") + 1));
  const isOwn = accountId === caller.accountId;
  const user = isOwn && type === "user" ? parts.space.get("iam-user", name) : undefined;
  if (user) return parts.identities.user(user);
  const role = isOwn && type === "role" ? parts.space.get("iam-role", name) : undefined;
  if (role) return parts.identities.session(role, "simulated");
  throw noSuchEntity(`The entity with ARN ${arn} cannot be found.`);
}

function simulated(
  principal: Principal,
  identity: readonly Policy[],
  input: Simulated,
  { caller, parts }: AwsContext,
  ownBoundary?: readonly Policy[],
) {
  const { ActionNames = [], ResourceArns = ["*"], ContextEntries = [], ResourcePolicy } = input;
  const boundaries = input.PermissionsBoundaryPolicyInputList;
  const boundary = boundaries?.length ? policiesIn(boundaries, "identity") : ownBoundary;
  if (ResourcePolicy !== undefined) policiesIn([ResourcePolicy], "resource");
  const policies: IdentityPolicies = { identity, ...(boundary && { boundary }) };
  const facts = new Map(
    ContextEntries.map((one) => [one.ContextKeyName?.toLowerCase(), one.ContextKeyValues ?? []]),
  );
  const count = ActionNames.length * ResourceArns.length;
  if (count > limits.simulatedMax)
    throw validationError(
      `At most ${limits.simulatedMax} decisions are simulated by one call: ${ActionNames.length} actions on ${ResourceArns.length} resources are ${count}`,
    );
  const asked = ActionNames.flatMap((action) =>
    ResourceArns.map((resource) => ({ action, resource })),
  ).map((one, at) => ({ ...one, key: String(at).padStart(8, "0") }));
  const { items, ...page } = pageOf(asked, ({ key }) => key, input);
  return {
    EvaluationResults: items.map(({ action, resource }): EvaluationResult => {
      const decision = authorize(
        {
          principal,
          action,
          resource,
          resourceAccountId: /^\d{12}$/.exec(input.ResourceOwner ?? "")?.[0] ?? caller.accountId,
          facts: (key) => facts.get(key),
          ...(ResourcePolicy !== undefined && { resourcePolicy: ResourcePolicy }),
        },
        () => policies,
        parts.clock.now(),
      );
      return {
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: words[decision.effect],
        MatchedStatements: [],
        MissingContextValues: [],
        ...(boundary && {
          PermissionsBoundaryDecisionDetail: {
            AllowedByPermissionsBoundary: !decision.because.includes("permissions boundary"),
          },
        }),
      };
    }),
    ...page,
  };
}

const words = { allow: "allowed", deny: "explicitDeny", none: "implicitDeny" } as const;

function policiesIn(texts: readonly string[] | undefined, kind: PolicyKind): Policy[] {
  const length = (texts ?? []).reduce((sum, text) => sum + text.length, 0);
  if (length > limits.simulatedPolicyCharactersMax)
    throw validationError(
      `Policies to simulate have at most ${limits.simulatedPolicyCharactersMax} characters: these have ${length}`,
    );
  try {
    return (texts ?? []).map((text) => parsePolicy(text, kind));
  } catch (thrown) {
    if (!(thrown instanceof PolicyFault)) throw thrown;
    throw new AwsError("InvalidInput", 400, thrown.message);
  }
}
