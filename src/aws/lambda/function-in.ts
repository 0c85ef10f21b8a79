import type { FunctionAliasRecord, FunctionConfig, FunctionRecord } from "#/model/function.ts";
import type { Ask, AwsContext } from "../call.ts";
import { invalidParameter, notFound } from "./errors.ts";
import { placeOf, qualifiedArn, type FunctionPlace } from "./names.ts";

/** How most operations name a function. */
interface Named {
  FunctionName: string | undefined;
  Qualifier?: string | undefined;
}

/** What must be allowed to do something to a function, or to the version or alias that is named. */
export function askOfFunction(
  action: string,
  { FunctionName, Qualifier }: Named,
  context: AwsContext,
): Ask {
  const place = placeOf(FunctionName, Qualifier, context);
  const found = findFunction(place, context);
  return {
    action: `lambda:${action}`,
    resource: qualifiedArn(place),
    resourcePolicy: policyOf(found, place.qualifier ?? ""),
    ownerAccountId: place.accountId,
    conditions: tagConditions("aws:ResourceTag", found?.spec.tags),
  };
}

function policyOf(found: FunctionRecord | undefined, qualifier: string): string | undefined {
  const policies = found?.spec.policies ?? {};
  return Object.hasOwn(policies, qualifier) ? policies[qualifier] : undefined;
}

/** Condition keys of tags: "aws:ResourceTag/team". */
export function tagConditions(
  key: "aws:ResourceTag" | "aws:RequestTag",
  tags: Readonly<Record<string, string>> = {},
): Record<string, string | readonly string[]> {
  return {
    ...Object.fromEntries(Object.entries(tags).map(([name, value]) => [`${key}/${name}`, value])),
    ...(key === "aws:RequestTag" && { "aws:TagKeys": Object.keys(tags) }),
  };
}

/** The function that is meant. Throws "ResourceNotFoundException". */
export function functionIn(
  { FunctionName, Qualifier }: Named,
  context: AwsContext,
): { place: FunctionPlace; found: FunctionRecord } {
  const place = placeOf(FunctionName, Qualifier, context);
  const found = findFunction(place, context);
  if (!found) throw noFunction(place);
  return { place, found };
}

/** The same, of what can be done to a function as a whole only. Throws "InvalidParameterValueException" for a version or an alias. */
export function wholeFunctionIn(named: Named, context: AwsContext): FunctionRecord {
  const { place, found } = functionIn(named, context);
  if (place.qualifier !== undefined && place.qualifier !== latest)
    throw invalidParameter(
      "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
    );
  return found;
}

/** What a call of a function runs. */
export interface Qualified {
  /** "$LATEST" or a number. */
  version: string;
  config: FunctionConfig;
  description: string;
  alias?: FunctionAliasRecord;
}

/** What a qualifier leads to; of an alias its first version. Throws "ResourceNotFoundException". */
export function qualifiedIn(
  place: FunctionPlace,
  found: FunctionRecord,
  { parts: { functions } }: Pick<AwsContext, "parts">,
): Qualified {
  const { qualifier = latest } = place;
  if (qualifier === latest) return latestOf(found);
  const alias = isVersion(qualifier) ? undefined : functions.alias(found, qualifier);
  const named = alias ? alias.spec.version : qualifier;
  const more = alias && { alias };
  if (named === latest) return { ...latestOf(found), ...more };
  const version = isVersion(named) ? functions.version(found, named) : undefined;
  if (!version) throw noFunction(place);
  const { config, description } = version.spec;
  return { version: named, config, description, ...more };
}

export const latest = "$LATEST";

const isVersion = (qualifier: string) => /^\d+$/.test(qualifier);

export function latestOf({ spec }: FunctionRecord): Qualified {
  return { version: latest, config: spec.latest, description: spec.latest.description };
}

export const noFunction = (place: FunctionPlace) =>
  notFound(`Function not found: ${qualifiedArn(place)}`);

function findFunction(
  { accountId, title }: FunctionPlace,
  { parts }: Pick<AwsContext, "parts">,
): FunctionRecord | undefined {
  const project = parts.identities.projectOf(accountId);
  return project === undefined ? undefined : parts.functions.find(project, title);
}
