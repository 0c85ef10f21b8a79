import type { Tag } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import { malformedXml } from "./errors.ts";

/** Throws "MalformedXML", "BadRequest" and "InvalidTag", as S3 does. */
export function readBucketTags(tags: readonly Tag[] | undefined): Record<string, string> {
  if (!tags) throw malformedXml();
  if (tags.length > limits.bucketTagsMax)
    throw new AwsError(
      "BadRequest",
      400,
      `Bucket tag count cannot be greater than ${limits.bucketTagsMax}`,
    );
  const read = new Map<string, string>();
  for (const { Key: key, Value: value } of tags) {
    if (key === undefined || value === undefined) throw malformedXml();
    if (key === "" || key.length > 128 || !allowed.test(key))
      throw invalidTag("The TagKey you have provided is invalid", { TagKey: key });
    if (value.length > 256 || !allowed.test(value))
      throw invalidTag("The TagValue you have provided is invalid", {
        TagKey: key,
        TagValue: value,
      });
    if (key.startsWith("aws:"))
      throw invalidTag("System tags cannot be added/updated by requester", { TagKey: key });
    if (read.has(key))
      throw invalidTag("Cannot provide multiple Tags with the same key", { TagKey: key });
    read.set(key, value);
  }
  return Object.fromEntries(read);
}

export const writeBucketTags = (tags: Record<string, string>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const invalidTag = (message: string, fields: Record<string, string>) =>
  new AwsError("InvalidTag", 400, message, { fields });
