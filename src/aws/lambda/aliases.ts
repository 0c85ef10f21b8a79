import type { AliasConfiguration, AliasRoutingConfiguration } from "@aws-sdk/client-lambda";
import type { FunctionAliasRecord, FunctionRecord } from "#/model/function.ts";
import type { AwsContext } from "../call.ts";
import {
  invalidMember,
  invalidParameter,
  notFound,
  requireLength,
  requirePattern,
} from "./errors.ts";
import { latest } from "./function-in.ts";

const aliasPattern = /(?!^[0-9]+$)([a-zA-Z0-9-_]+)/;
const versionPattern = /(\$LATEST|[0-9]+)/;

export function checkAliasName(name: string | undefined): string {
  requireLength("name", name, 128);
  requirePattern("name", name, aliasPattern);
  return name ?? "";
}

/** Throws "ResourceNotFoundException" for a version that is not there. */
export function requireVersion(
  version: string | undefined,
  of: FunctionRecord,
  { parts: { functions } }: AwsContext,
): void {
  requirePattern("functionVersion", version, versionPattern);
  if (version === undefined || version === latest || functions.version(of, version)) return;
  throw notFound(`Function not found: ${functions.arnOf(of)}:${version}`);
}

/**
 * The share of calls that go to another version than the alias's own; undefined for none. Throws
 * "InvalidParameterValueException" and "ValidationException".
 */
export function weightsOf(
  asked: AliasRoutingConfiguration | undefined,
  version: string,
  of: FunctionRecord,
  context: AwsContext,
): Record<string, number> | undefined {
  const weights = asked?.AdditionalVersionWeights ?? {};
  const [first, ...more] = Object.entries(weights);
  if (!first) return undefined;
  if (more.length > 0)
    throw invalidParameter(
      `Number of items in AdditionalVersionWeights cannot be greater than 1: it has ${more.length + 1}`,
    );
  const [other, share] = first;
  if (!(share >= 0 && share <= 1))
    throw invalidMember(
      "routingConfig.additionalVersionWeights",
      share,
      "Map value must satisfy constraint: [Member must have value less than or equal to 1, Member must have value greater than or equal to 0]",
    );
  if (other === latest || version === latest)
    throw invalidParameter("$LATEST is not supported for an alias pointing to more than 1 version");
  if (other === version)
    throw invalidParameter(
      `Invalid function version ${other}. Function version ${other} is already included in routing configuration.`,
    );
  requireVersion(other, of, context);
  return { [other]: share };
}

/** Throws "ResourceNotFoundException". */
export function aliasIn(
  name: string | undefined,
  of: FunctionRecord,
  { parts: { functions } }: AwsContext,
): FunctionAliasRecord {
  const title = checkAliasName(name);
  const alias = functions.alias(of, title);
  if (!alias) throw notFound(`Cannot find alias arn: ${functions.arnOf(of)}:${title}`);
  return alias;
}

/** An alias as Lambda tells of it. */
export function aliasView(
  of: FunctionRecord,
  { spec }: FunctionAliasRecord,
  { parts: { functions } }: AwsContext,
): AliasConfiguration {
  return {
    AliasArn: `${functions.arnOf(of)}:${spec.title}`,
    Name: spec.title,
    FunctionVersion: spec.version,
    Description: spec.description,
    ...(spec.weights && { RoutingConfig: { AdditionalVersionWeights: { ...spec.weights } } }),
    RevisionId: spec.revisionId,
  };
}
