import type { Tag, TagSpecification } from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";

const tagsMax = 50;

/** Tags by name. Throws "InvalidParameterValue", "TagLimitExceeded". */
export function tagsOf(tags: readonly Tag[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { Key = "", Value = "" } of tags) {
    if (Key === "" || Key.length > 128 || Value.length > 256)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        "Tag keys have 1 to 128 characters, and values at most 256.",
      );
    if (/^aws:/i.test(Key))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value ( ${Key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use`,
      );
    found[Key] = Value;
  }
  requireTagCount(found);
  return found;
}

/** Throws "TagLimitExceeded". */
export function requireTagCount(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > tagsMax)
    throw new AwsError(
      "TagLimitExceeded",
      400,
      `The maximum number of Tags for a resource (${tagsMax}) has been reached.`,
    );
}

/** The tags that a call gives to what it makes of one kind. */
export function tagsFor(
  type: string,
  specifications: readonly TagSpecification[] = [],
): Record<string, string> {
  return tagsOf(
    specifications
      .filter(({ ResourceType }) => ResourceType === type)
      .flatMap(({ Tags = [] }) => Tags),
  );
}

/** As AWS lists them. */
export function tagList(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
