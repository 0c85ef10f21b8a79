import { limits } from "#/base/limits.ts";
import type { FunctionRecord } from "#/model/function.ts";
import type { Ask, AwsContext } from "../call.ts";
import { invalidParameter, requirePattern } from "./errors.ts";
import { askOfFunction, functionIn } from "./function-in.ts";

const arnPattern = /arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}(-gov)?-[a-z]+-\d{1}:\d{12}:function:.*/;

/** What must be allowed to do something with the tags of an ARN. */
export function askOfTagged(action: string, arn: string | undefined, context: AwsContext): Ask {
  requirePattern("resource", arn, arnPattern);
  return askOfFunction(action, { FunctionName: arn }, context);
}

/** The function of an ARN. Throws "InvalidParameterValueException" for a version or an alias, which have no tags. */
export function taggedIn(arn: string | undefined, context: AwsContext): FunctionRecord {
  const { place, found } = functionIn({ FunctionName: arn }, context);
  if (place.qualifier !== undefined)
    throw invalidParameter(
      "Tags on function aliases and versions are not supported. Please specify either a function name or an unqualified function ARN.",
    );
  return found;
}

/** Undefined for none. Throws "InvalidParameterValueException". */
export function checkTags(
  tags: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  if (!tags || Object.keys(tags).length === 0) return undefined;
  for (const [key, value] of Object.entries(tags)) {
    if (key === "" || key.length > 128 || value.length > 256)
      throw invalidParameter(
        `The tag '${key.slice(0, 128)}' is invalid: a key has 1 to 128 characters and a value at most 256.`,
      );
    if (/^aws:/i.test(key))
      throw invalidParameter(`The tag '${key.slice(0, 128)}' is invalid: 'aws:' is reserved.`);
  }
  if (Object.keys(tags).length > limits.functionTagsMax)
    throw invalidParameter(`A function has at most ${limits.functionTagsMax} tags.`);
  return { ...tags };
}
