import type { Random } from "#/base/random.ts";
import type { FunctionConfig, FunctionRecord } from "#/model/function.ts";
import type { Space } from "#/space/space.ts";

/** What a call is to run. */
export interface Target {
  function: FunctionRecord;
  /** "$LATEST" or a number. */
  version: string;
  config: FunctionConfig;
  /** As the caller named it, with its qualifier. */
  arn: string;
}

export const functionArn = (region: string, accountId: string, title: string, qualifier?: string) =>
  `arn:aws:lambda:${region}:${accountId}:function:${title}${qualifier === undefined ? "" : `:${qualifier}`}`;

/**
 * The version that a qualifier (a version's number, an alias, "$LATEST", or none) means for one call: of an alias with weights
 * another one each time. Undefined where there is none.
 */
export function targetOf(
  { space, random, region }: { space: Pick<Space, "get">; random: Random; region: string },
  record: FunctionRecord,
  qualifier: string | undefined,
): Target | undefined {
  const { name, spec } = record;
  const arn = functionArn(region, spec.accountId, spec.title, qualifier);
  const latest = { function: record, version: "$LATEST", config: spec.latest, arn };
  if (qualifier === undefined || qualifier === "$LATEST") return latest;
  const alias = space.get("function-alias", `${name}/${qualifier}`);
  const version = alias ? weighted(alias.spec, random) : qualifier;
  if (version === "$LATEST") return latest;
  const published = space.get("function-version", `${name}/${version}`);
  return published && { function: record, version, config: published.spec.config, arn };
}

function weighted(
  { version, weights = {} }: { version: string; weights?: Readonly<Record<string, number>> },
  random: Random,
): string {
  let left = random.fraction();
  for (const [other, share] of Object.entries(weights)) {
    left -= share;
    if (left < 0) return other;
  }
  return version;
}
