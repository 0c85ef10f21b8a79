import type { Principal } from "#/model/principal.ts";
import { canonicalUserIdOf } from "#/model/account.ts";
import { isFulfilled, type Facts } from "./conditions.ts";
import type { Pattern, Variables } from "./pattern.ts";
import type { Policy, PrincipalSet, Statement } from "./policy.ts";

/** What is asked of a policy. */
export interface Asked {
  /** "s3:GetObject" */
  action: string;
  /** An ARN; "*" for what has none. */
  resource: string;
  facts: Facts;
  variables: Variables;
  /** Set while not all is known that policies may look at: the answer is then what it may be at best. */
  unknown?: Unknown | undefined;
}

/** What a call will say only in its document, which is read for who may send one. */
export interface Unknown {
  /** Condition keys; "s3:RequestObjectTag/" is all that begin so. */
  conditions?: readonly string[];
  /** Set when which thing it is about is in the document too. */
  resource?: true;
}

/**
 * How closely a resource's policy names a principal. The account: then its own policies must allow it too. Its role: then
 * its boundary and its session's policies must. Itself: that is enough.
 */
export type Grant = "itself" | "role" | "account";

export type Answer<Allowed> = { effect: "deny" | "allow"; by: Statement; how: Allowed } | undefined;

/** What an identity's policies say: deny wins; undefined when they say nothing. */
export function evaluateIdentity(policies: readonly Policy[], asked: Asked): Answer<undefined> {
  let allowed: Statement | undefined;
  for (const { statements } of policies)
    for (const statement of statements) {
      if (statement.effect === "Allow" && allowed) continue;
      if (!isMeant(statement, asked)) continue;
      if (statement.effect === "Deny") return { effect: "deny", by: statement, how: undefined };
      allowed = statement;
    }
  return allowed && { effect: "allow", by: allowed, how: undefined };
}

/** What a resource's policy says of a principal: deny wins, then what names it most closely. */
export function evaluateResource(
  { statements }: Policy,
  principal: Principal,
  asked: Asked,
): Answer<Grant | undefined> {
  let best: { statement: Statement; grant: Grant } | undefined;
  for (const statement of statements) {
    const grant = grantOf(statement, principal);
    if (grant === undefined || !isMeant(statement, asked)) continue;
    if (statement.effect === "Deny") return { effect: "deny", by: statement, how: undefined };
    if (!best || closeness[grant] > closeness[best.grant]) best = { statement, grant };
  }
  return best && { effect: "allow", by: best.statement, how: best.grant };
}

const closeness: Record<Grant, number> = { account: 0, role: 1, itself: 2 };

function isMeant(statement: Statement, asked: Asked): boolean {
  return asked.unknown ? mayBeMeant(statement, asked, asked.unknown) : isMeantSo(statement, asked);
}

/** What hangs on things unknown is taken for what lets the caller go on: what allows for meant, what denies for not. */
function mayBeMeant(statement: Statement, asked: Asked, unknown: Unknown): boolean {
  const isUnknown = (key: string) =>
    unknown.conditions?.some((one) => isNamed(key, one.toLowerCase())) ?? false;
  const known = statement.conditions.filter(({ key }) => !isUnknown(key));
  let hangs = known.length < statement.conditions.length || unknown.resource === true;
  let isCut = false;
  const variables: Variables = (key) => {
    if (isUnknown(key)) hangs = isCut = true;
    return asked.variables(key);
  };
  const { resources: _resources, notResources: _notResources, ...anywhere } = statement;
  const rest = { ...(unknown.resource ? anywhere : statement), conditions: known };
  const isSo = isMeantSo(rest, { ...asked, variables });
  return hangs ? statement.effect === "Allow" && (isSo || isCut) : isSo;
}

const isNamed = (key: string, name: string) =>
  name.endsWith("/") ? key.startsWith(name) : key === name;

function isMeantSo(statement: Statement, asked: Asked): boolean {
  const { actions, notActions, resources, notResources, conditions } = statement;
  const { action, resource, facts, variables } = asked;
  const none: Variables = () => undefined;
  const isAsked = (patterns: readonly Pattern[]) =>
    patterns.some((one) => one.matches(action, none));
  if (actions ? !isAsked(actions) : notActions !== undefined && isAsked(notActions)) return false;
  const isThere = (patterns: readonly Pattern[]) =>
    patterns.some((one) => one.matches(resource, variables));
  if (resources ? !isThere(resources) : notResources !== undefined && isThere(notResources))
    return false;
  return conditions.every((one) => isFulfilled(one, facts, variables));
}

/** How a statement names a principal; undefined when it does not. */
function grantOf(
  { principals, notPrincipals }: Statement,
  principal: Principal,
): Grant | undefined {
  if (notPrincipals)
    return isExempt(notPrincipals, principal) ? undefined : everyonesGrant(principal);
  if (!principals) return undefined;
  const { isEveryone, names } = principals;
  const { arn, userId, roleArn, accountId, kind } = principal;
  if (kind === "anonymous") return isEveryone ? "itself" : undefined;
  if (names.has(arn) || names.has(userId)) return "itself";
  if (isEveryone) return everyonesGrant(principal);
  if (roleArn !== undefined && (names.has(roleArn) || names.has(userId.split(":")[0]!)))
    return "role";
  if (names.size > 0 && names.has(accountId)) return kind === "account" ? "itself" : "account";
  if (namesCanonically(names) && names.has(`CanonicalUser ${canonicalUserIdOf(accountId)}`))
    return kind === "account" ? "itself" : "account";
  return undefined;
}

const everyonesGrant = ({ kind }: Principal): Grant => (kind === "role" ? "role" : "itself");

function namesCanonically(names: ReadonlySet<string>): boolean {
  for (const name of names) if (name.startsWith("CanonicalUser ")) return true;
  return false;
}

/** An account that is listed exempts itself only: its users are to be listed beside it. */
function isExempt({ isEveryone, names }: PrincipalSet, principal: Principal): boolean {
  const { arn, userId, roleArn, accountId, kind } = principal;
  if (isEveryone || names.has(arn) || names.has(userId)) return true;
  if (roleArn !== undefined && names.has(roleArn)) return true;
  return kind === "account" && names.has(accountId);
}
