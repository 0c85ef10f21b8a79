import { limits } from "#/base/limits.ts";
import type { AwsContext } from "../call.ts";
import { invalidParameter, notFound, requireLength, requirePattern } from "./errors.ts";

/** What a function is named by: "name", "name:live", "123456789012:function:name", or its whole ARN. */
const namePattern =
  /(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?/;
const whole = new RegExp(`^${namePattern.source}$`);
const qualifierPattern = /(|[a-zA-Z0-9$_-]+)/;
const nameLengthMax = 140;

/** A function of somebody, which need not be there. */
export interface FunctionPlace {
  accountId: string;
  title: string;
  /** A version, an alias or "$LATEST"; undefined where none is named. */
  qualifier?: string;
  /** Without the qualifier. */
  arn: string;
}

/** Throws "ValidationException", "ResourceNotFoundException" for another region, "InvalidParameterValueException" for two qualifiers. */
export function placeOf(
  name: string | undefined,
  asked: string | undefined,
  { caller, parts }: Pick<AwsContext, "caller" | "parts">,
): FunctionPlace {
  const given = name ?? "";
  requireLength("functionName", given, nameLengthMax);
  requirePattern("functionName", given, namePattern);
  requireLength("qualifier", asked, 128);
  requirePattern("qualifier", asked, qualifierPattern);
  const found = whole.exec(given)!;
  const region = found[3]?.slice(0, -1) ?? parts.region;
  if (region !== parts.region)
    throw notFound(
      `Functions from '${region}' are not reachable in this region ('${parts.region}')`,
    );
  const accountId = found[5]?.slice(0, -1) ?? caller.accountId;
  const title = found[7]!;
  requireLength("functionName", title, limits.functionNameLengthMax);
  const [own, more] = [found[9], asked === "" ? undefined : asked];
  if (own !== undefined && more !== undefined && own !== more)
    throw invalidParameter(
      "The derived qualifier from the function name does not match the specified qualifier.",
    );
  const qualifier = own ?? more;
  const arn = `arn:aws:lambda:${region}:${accountId}:function:${title}`;
  return { accountId, title, arn, ...(qualifier !== undefined && { qualifier }) };
}

export const qualifiedArn = ({ arn, qualifier }: Pick<FunctionPlace, "arn" | "qualifier">) =>
  qualifier === undefined ? arn : `${arn}:${qualifier}`;
