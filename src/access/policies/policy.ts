import { conditionsOf, type Condition } from "./conditions.ts";
import { Pattern } from "./pattern.ts";

/** Whom a statement of a resource's policy means. */
export interface PrincipalSet {
  isEveryone: boolean;
  /** ARNs of users, roles, sessions; numbers of accounts; canonical user ids. */
  names: ReadonlySet<string>;
}

export interface Statement {
  sid?: string;
  effect: "Allow" | "Deny";
  principals?: PrincipalSet;
  notPrincipals?: PrincipalSet;
  actions?: readonly Pattern[];
  notActions?: readonly Pattern[];
  resources?: readonly Pattern[];
  notResources?: readonly Pattern[];
  conditions: readonly Condition[];
}

/** A policy that was understood. */
export interface Policy {
  statements: readonly Statement[];
}

/** What a policy hangs on: an identity's names no principal, a resource's must, a role's trust names no resource. */
export type PolicyKind = "identity" | "resource" | "trust";

/** Why a policy is none: a sentence as IAM says it. Doors answer MalformedPolicyDocument, S3 MalformedPolicy. */
export class PolicyFault extends Error {
  override name = "PolicyFault";
}

const statementFields = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

/** Understands the JSON of a policy. Throws PolicyFault. */
export function parsePolicy(text: string, kind: PolicyKind): Policy {
  const document = objectOf(parseJson(text), "Syntax errors in policy.");
  for (const name of Object.keys(document))
    if (!["Version", "Id", "Statement"].includes(name))
      throw new PolicyFault(`Unknown field ${name}`);
  const { Version: version = "2008-10-17", Statement: given } = document;
  if (version !== "2012-10-17" && version !== "2008-10-17")
    throw new PolicyFault("The policy must contain a valid version string");
  if (given === undefined) throw new PolicyFault("Missing required field Statement");
  const list = Array.isArray(given) ? (given as unknown[]) : [given];
  if (list.length === 0) throw new PolicyFault("Could not parse the policy: Statement is empty!");
  const hasVariables = version === "2012-10-17";
  const sids = new Set<string>();
  const statements = list.map((one) => {
    const statement = statementOf(objectOf(one, "Syntax errors in policy."), kind, hasVariables);
    if (statement.sid !== undefined && sids.has(statement.sid))
      throw new PolicyFault("Statement IDs (SID) in a single policy must be unique.");
    if (statement.sid !== undefined) sids.add(statement.sid);
    return statement;
  });
  return { statements };
}

function statementOf(
  given: Record<string, unknown>,
  kind: PolicyKind,
  hasVariables: boolean,
): Statement {
  for (const name of Object.keys(given))
    if (!statementFields.has(name)) throw new PolicyFault(`Unknown field ${name}`);
  const { Sid: sid, Effect: effect } = given;
  if (
    sid !== undefined &&
    (typeof sid !== "string" || (kind === "identity" && !/^[0-9A-Za-z]*$/.test(sid)))
  )
    throw new PolicyFault("Statement IDs (SID) must be alpha-numeric.");
  if (effect === undefined) throw new PolicyFault("Missing required field Effect");
  if (effect !== "Allow" && effect !== "Deny")
    throw new PolicyFault(`Invalid effect: ${textOf(effect)}`);
  return {
    ...(typeof sid === "string" && sid !== "" && { sid }),
    effect,
    ...principalsOf(given, kind),
    ...actionsOf(given, kind),
    ...resourcesOf(given, kind, hasVariables),
    conditions: conditionBlocks(given["Condition"], hasVariables),
  };
}

function principalsOf(given: Record<string, unknown>, kind: PolicyKind) {
  const { Principal: named, NotPrincipal: notNamed } = given;
  if (kind === "identity") {
    if (named !== undefined || notNamed !== undefined)
      throw new PolicyFault("Policy document should not specify a principal.");
    return {};
  }
  if (named === undefined && notNamed === undefined)
    throw new PolicyFault("Missing required field Principal");
  if (named !== undefined && notNamed !== undefined)
    throw new PolicyFault("Policy statement must not have both Principal and NotPrincipal");
  if (named !== undefined) return { principals: principalSet(named) };
  if (kind === "trust") throw new PolicyFault("Has prohibited field NotPrincipal");
  return { notPrincipals: principalSet(notNamed) };
}

const principalShape =
  /^(?:\*|\d{12}|arn:[^:]+:(?:iam|sts)::\d{12}:(?:root|(?:user|role|assumed-role|federated-user)\/[\w+=,.@/-]+)|(?:AIDA|AROA)[A-Z2-7]{16})$/;

function principalSet(given: unknown): PrincipalSet {
  const fault = new PolicyFault("Invalid principal in policy");
  if (given === "*") return { isEveryone: true, names: new Set() };
  if (typeof given === "string") throw fault;
  const names = new Set<string>();
  let isEveryone = false;
  const entries = Object.entries(objectOf(given, fault.message));
  if (entries.length === 0) throw fault;
  for (const [type, value] of entries) {
    if (!["AWS", "Service", "CanonicalUser", "Federated"].includes(type)) throw fault;
    for (const name of stringsOf(value, fault.message)) {
      if (type === "AWS" && !principalShape.test(name)) throw fault;
      if (type === "AWS" && name === "*") isEveryone = true;
      // An account is its number, however it is written; what has another type cannot be taken for an ARN.
      else if (type === "AWS") names.add(/^arn:[^:]+:iam::(\d{12}):root$/.exec(name)?.[1] ?? name);
      else names.add(`${type} ${name}`);
    }
  }
  return { isEveryone, names };
}

function actionsOf(given: Record<string, unknown>, kind: PolicyKind) {
  const { Action: action, NotAction: notAction } = given;
  if (action === undefined && notAction === undefined)
    throw new PolicyFault("Missing required field Action");
  if (action !== undefined && notAction !== undefined)
    throw new PolicyFault("Policy statement must not have both Action and NotAction");
  const patterns = stringsOf(action ?? notAction, "Policy statement must contain actions.").map(
    (text) => {
      if (text !== "*" && !/^[A-Za-z0-9*?-]+:[A-Za-z0-9*?:]+$/.test(text))
        throw new PolicyFault(
          "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        );
      if (kind === "trust" && !/^sts:/i.test(text))
        throw new PolicyFault("AssumeRole policy may only specify STS AssumeRole actions.");
      return new Pattern(text, { ignoresCase: true });
    },
  );
  return action === undefined ? { notActions: patterns } : { actions: patterns };
}

function resourcesOf(given: Record<string, unknown>, kind: PolicyKind, hasVariables: boolean) {
  const { Resource: resource, NotResource: notResource } = given;
  if (kind === "trust") {
    if (resource !== undefined || notResource !== undefined)
      throw new PolicyFault("Has prohibited field Resource");
    return {};
  }
  if (resource === undefined && notResource === undefined)
    throw new PolicyFault("Missing required field Resource");
  if (resource !== undefined && notResource !== undefined)
    throw new PolicyFault("Policy statement must not have both Resource and NotResource");
  const patterns = stringsOf(
    resource ?? notResource,
    "Policy statement must contain resources.",
  ).map((text) => {
    if (text !== "*" && !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:./s.test(text) && !text.startsWith("*"))
      throw new PolicyFault(`Resource ${text} must be in ARN format or "*".`);
    return new Pattern(text, { hasVariables });
  });
  return resource === undefined ? { notResources: patterns } : { resources: patterns };
}

function conditionBlocks(given: unknown, hasVariables: boolean): Condition[] {
  if (given === undefined) return [];
  const message = "Syntax errors in policy.";
  try {
    return Object.entries(objectOf(given, message)).flatMap(([name, block]) =>
      conditionsOf(name, objectOf(block, message), hasVariables),
    );
  } catch (thrown) {
    throw thrown instanceof PolicyFault ? thrown : new PolicyFault((thrown as Error).message);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new PolicyFault("Syntax errors in policy.");
  }
}

function objectOf(value: unknown, message: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PolicyFault(message);
  return value as Record<string, unknown>;
}

function stringsOf(value: unknown, message: string): string[] {
  const all = Array.isArray(value) ? (value as unknown[]) : [value];
  if (all.length === 0 || !all.every((one) => typeof one === "string" && one !== ""))
    throw new PolicyFault(message);
  return all as string[];
}

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
