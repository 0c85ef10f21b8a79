import type { Principal } from "#/model/principal.ts";
import type { Facts } from "./conditions.ts";
import { evaluateIdentity, evaluateResource, type Asked, type Unknown } from "./evaluate.ts";
import { parsePolicy, type Policy, type PolicyKind } from "./policy.ts";

/** What may be asked of `authorize()`. */
export interface Question {
  principal: Principal;
  /** "s3:GetObject" */
  action: string;
  /** An ARN; "*" for actions that have no resource. */
  resource: string;
  /** Account that the resource is of. */
  resourceAccountId: string;
  /** What the request says of condition keys, in lower case ("aws:sourceip", "s3:prefix"). Keys of the principal and of time are known. */
  facts?: Facts;
  /** What is not known yet: "allow" is then "may be", to be asked again. */
  unknown?: Unknown | undefined;
  /** The policy of the resource, as JSON that was found good when it came: a bucket's, a queue's, a key's, a role's trust. */
  resourcePolicy?: string | undefined;
  /** Trust policies name no resource. */
  resourcePolicyKind?: "resource" | "trust";
  /** Of KMS keys and roles: what the resource's policy does not give to the account, no policy of the account's can give. */
  isResourcePolicyNeeded?: boolean;
}

/**
 * "deny" is explicit and ends all; "none" is that nothing allows it, so that what knows other grants (ACLs of S3) may
 * still allow it. `because` ends a sentence as AWS's do.
 */
export interface Decision {
  effect: "allow" | "deny" | "none";
  because: string;
}

/** What an identity may do by its own policies. */
export interface IdentityPolicies {
  identity: readonly Policy[];
  boundary?: readonly Policy[];
}

/** Finds the policies of a user or of a role. */
export type PoliciesOf = (principal: Principal) => IdentityPolicies;

/**
 * Whether a principal may do something, by all policies that bear on it, in the order that AWS documents
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html): an explicit deny anywhere
 * wins; the resource's own policy is enough within an account for whom it names itself; otherwise the identity's policies
 * must allow it, and its boundary and its session's policies too where there are any. Across accounts both sides must.
 */
export function authorize(question: Question, policiesOf: PoliciesOf, nowMs: number): Decision {
  const { principal, action, resource, resourceAccountId, resourcePolicy } = question;
  const { kind, accountId } = principal;
  const isSameAccount = kind !== "anonymous" && accountId === resourceAccountId;
  if (
    kind === "account" &&
    isSameAccount &&
    resourcePolicy === undefined &&
    principal.sessionPolicies === undefined &&
    !question.isResourcePolicyNeeded
  )
    return ownAccount;
  const facts = factsOf(question, nowMs);
  const asked: Asked = {
    action,
    resource,
    facts,
    variables: (key) => oneOf(facts(key)),
    unknown: question.unknown,
  };
  const own = kind === "user" || kind === "role" ? policiesOf(principal) : undefined;
  const byIdentity = own && evaluateIdentity(own.identity, asked);
  const byBoundary = own?.boundary && evaluateIdentity(own.boundary, asked);
  const sessions = (principal.sessionPolicies ?? []).map((text) => parsed(text, "identity"));
  const bySession = sessions.length > 0 ? evaluateIdentity(sessions, asked) : undefined;
  const byResource =
    resourcePolicy === undefined
      ? undefined
      : evaluateResource(
          parsed(resourcePolicy, question.resourcePolicyKind ?? "resource"),
          principal,
          asked,
        );
  for (const [name, answer] of [
    ["an identity-based policy", byIdentity],
    ["a permissions boundary", byBoundary],
    ["a session policy", bySession],
    ["a resource-based policy", byResource],
  ] as const)
    if (answer?.effect === "deny")
      return { effect: "deny", because: `with an explicit deny in ${name}` };
  const grant = byResource?.how;
  if (kind === "anonymous")
    return grant ? byPolicyOfResource : nothing("resource-based policy", action);
  if (isSameAccount && grant === "itself") return byPolicyOfResource;
  if (!isSameAccount && !grant) return nothing("resource-based policy", action);
  if (question.isResourcePolicyNeeded && !grant) return nothing("resource-based policy", action);
  const isRoleGranted = isSameAccount && grant === "role";
  if (kind !== "account" && !byIdentity && !isRoleGranted)
    return nothing("identity-based policy", action);
  if (own?.boundary && !byBoundary) return nothing("permissions boundary", action);
  if (sessions.length > 0 && !bySession) return nothing("session policy", action);
  return { effect: "allow", because: "as a policy allows it" };
}

const ownAccount: Decision = { effect: "allow", because: "as it is the account itself" };
const byPolicyOfResource: Decision = {
  effect: "allow",
  because: "as a resource-based policy allows it",
};
const nothing = (policy: string, action: string): Decision => ({
  effect: "none",
  because: `because no ${policy} allows the ${action} action`,
});

/** Condition keys that follow from who asks and when, before those that the request gives. */
function factsOf({ principal, facts, resourceAccountId }: Question, nowMs: number): Facts {
  return (key) => {
    switch (key) {
      case "aws:currenttime":
        return new Date(nowMs).toISOString();
      case "aws:epochtime":
        return String(Math.floor(nowMs / 1000));
      case "aws:principalarn":
        return principal.kind === "anonymous" ? undefined : (principal.roleArn ?? principal.arn);
      case "aws:principalaccount":
        return principal.accountId || undefined;
      case "aws:principaltype":
        return principal.kind === "user" && principal.sessionName !== undefined
          ? "FederatedUser"
          : typeNames[principal.kind];
      case "aws:userid":
        return principal.userId;
      case "aws:username":
        return principal.kind === "user" && principal.sessionName === undefined
          ? principal.name
          : undefined;
      case "aws:sourceidentity":
        return principal.sourceIdentity;
      case "aws:tokenissuetime":
        return principal.issuedAt === undefined
          ? undefined
          : new Date(principal.issuedAt).toISOString();
      case "aws:multifactorauthpresent":
        return principal.issuedAt === undefined ? undefined : "false";
      case "aws:resourceaccount":
      case "s3:resourceaccount":
        return resourceAccountId;
      case "aws:principalisawsservice":
      case "aws:viaawsservice":
        return "false";
      default:
        return key.startsWith("aws:principaltag/")
          ? principal.tags?.[key.slice("aws:principaltag/".length)]
          : facts?.(key);
    }
  };
}

const typeNames: Record<Principal["kind"], string> = {
  account: "Account",
  user: "User",
  role: "AssumedRole",
  anonymous: "Anonymous",
};

function oneOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" || value === undefined
    ? value
    : value.length === 1
      ? value[0]
      : undefined;
}

const parsedMax = 2000;
const known: Record<PolicyKind, Map<string, Policy>> = {
  identity: new Map(),
  resource: new Map(),
  trust: new Map(),
};

/** A policy that was found good when it was written, understood once. */
export function parsed(text: string, kind: PolicyKind): Policy {
  const ofKind = known[kind];
  const before = ofKind.get(text);
  if (before) return before;
  if (ofKind.size >= parsedMax) ofKind.clear();
  const policy = parsePolicy(text, kind);
  ofKind.set(text, policy);
  return policy;
}
