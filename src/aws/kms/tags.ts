import type {
  ListResourceTagsCommandInput,
  ListResourceTagsCommandOutput,
  Tag,
  TagResourceCommandInput,
  UntagResourceCommandInput,
} from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { changingKey, readingKey, requireStaying } from "./key-in.ts";
import { pageOf } from "./paging.ts";

const tagsMax = 50;

export function tagsIn(list: readonly Tag[] | undefined): Record<string, string> | undefined {
  if (!list || list.length === 0) return undefined;
  const tags = new Map<string, string>();
  for (const { TagKey = "", TagValue = "" } of list) {
    if (TagKey === "" || TagKey.length > 128 || TagValue.length > 256 || /^aws:/i.test(TagKey))
      throw new AwsError("TagException", 400, `The tag ${TagKey} is invalid`);
    if (tags.has(TagKey))
      throw new AwsError("TagException", 400, `The tag ${TagKey} is there twice`);
    tags.set(TagKey, TagValue);
  }
  return checkedCount(Object.fromEntries(tags));
}

function checkedCount(tags: Record<string, string>): Record<string, string> {
  if (Object.keys(tags).length <= tagsMax) return tags;
  throw new AwsError("TagException", 400, `A key has at most ${tagsMax} tags`);
}

export const tagResource = changingKey<TagResourceCommandInput>((record, { Tags }, context) => {
  requireStaying(record, context);
  const tags = checkedCount({ ...record.spec.tags, ...tagsIn(Tags) });
  return { ...record, spec: { ...record.spec, tags } };
});

export const untagResource = changingKey<UntagResourceCommandInput>(
  (record, { TagKeys = [] }, context) => {
    requireStaying(record, context);
    const kept = Object.entries(record.spec.tags ?? {}).filter(([key]) => !TagKeys.includes(key));
    return { ...record, spec: { ...record.spec, tags: Object.fromEntries(kept) } };
  },
);

export const listResourceTags: AwsOperation<
  ListResourceTagsCommandInput,
  ListResourceTagsCommandOutput
> = readingKey(({ spec }, input: ListResourceTagsCommandInput) => {
  const { items, ...page } = pageOf(Object.entries(spec.tags ?? {}), ([key]) => key, input);
  return {
    Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    ...page,
    $metadata: {},
  };
});
