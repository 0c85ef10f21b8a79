import type { Tag } from "@aws-sdk/client-iam";
import { AwsError } from "#/model/aws-error.ts";
import { limitExceeded, validationError } from "./errors.ts";

const tagsMax = 50;

/** Tags as they come, checked: keys that differ in more than case, none of AWS's own, of bounded length. */
export function tagsIn(list: readonly Tag[] | undefined): Record<string, string> | undefined {
  if (!list || list.length === 0) return undefined;
  const tags: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { Key: key = "", Value: value = "" } of list) {
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(key) || /^aws:/i.test(key))
      throw validationError(`The tag key ${key} is invalid`);
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value))
      throw validationError(`The value of the tag ${key} is invalid`);
    if (seen.has(key.toLowerCase()))
      throw new AwsError(
        "InvalidInput",
        400,
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
      );
    seen.add(key.toLowerCase());
    tags[key] = value;
  }
  return checkedCount(tags);
}

/** With what is new in place of what had the same key, whatever its case. */
export function mergedTags(
  before: Readonly<Record<string, string>> = {},
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const replaced = new Set(Object.keys(added).map((key) => key.toLowerCase()));
  const kept = Object.entries(before).filter(([key]) => !replaced.has(key.toLowerCase()));
  return checkedCount({ ...Object.fromEntries(kept), ...added });
}

export function withoutTags(
  before: Readonly<Record<string, string>> = {},
  keys: readonly string[] = [],
): Record<string, string> {
  const gone = new Set(keys.map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(before).filter(([key]) => !gone.has(key.toLowerCase())));
}

export function tagList(tags: Readonly<Record<string, string>> = {}): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function checkedCount(tags: Record<string, string>): Record<string, string> {
  if (Object.keys(tags).length > tagsMax) throw limitExceeded("TagsPerResource", tagsMax);
  return tags;
}
