import type {
  CreateTagsCommandInput,
  CreateTagsCommandOutput,
  DeleteTagsCommandInput,
  DeleteTagsCommandOutput,
  DescribeTagsCommandInput,
  DescribeTagsCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, requestTags } from "./asks.ts";
import { listed } from "./listing.ts";
import { requireTagCount, tagsOf } from "./tag-list.ts";
import { allTagged, idOf, tagged, typeOf, withTags, type Tagged } from "./taggable.ts";

const resourcesMax = 1000;

/** Gives tags to things of any kind, all or none of them. */
export const createTags: AwsOperation<CreateTagsCommandInput, CreateTagsCommandOutput> = {
  asks: ({ Resources = [], Tags = [] }, context) =>
    askOf("CreateTags", Resources, context).map((ask) => ({
      ...ask,
      conditions: { ...ask.conditions, ...requestTags(Tags) },
    })),
  run({ Resources = [], Tags }, context) {
    const added = tagsOf(Tags);
    change(Resources, context, (tags) => {
      const all = { ...tags, ...added };
      requireTagCount(all);
      return all;
    });
    return {};
  },
};

/** Takes tags away: those of the name, with the value where one is given; all where none is named. */
export const deleteTags: AwsOperation<DeleteTagsCommandInput, DeleteTagsCommandOutput> = {
  asks: ({ Resources = [], Tags = [] }, context) =>
    askOf("DeleteTags", Resources, context).map((ask) => ({
      ...ask,
      conditions: { ...ask.conditions, ...requestTags(Tags) },
    })),
  run({ Resources = [], Tags }, context) {
    change(Resources, context, (tags) =>
      Object.fromEntries(
        Object.entries(tags).filter(
          ([name, value]) =>
            Tags &&
            !Tags.some(
              ({ Key, Value }) => Key === name && (Value === undefined || Value === value),
            ),
        ),
      ),
    );
    return {};
  },
};

function change(
  ids: readonly string[],
  context: AwsContext,
  next: (tags: Tagged["spec"]["tags"]) => Record<string, string>,
): void {
  if (ids.length === 0 || ids.length > resourcesMax)
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `The request must name 1 to ${resourcesMax} resources.`,
    );
  const records = [...new Set(ids)].map((id) => tagged(id, context));
  const changed = records.map((record) => withTags(record, next(record.spec.tags)));
  context.parts.space.commit((tx) => {
    for (const record of changed) tx.put(record);
  });
}

export const describeTags: AwsOperation<DescribeTagsCommandInput, DescribeTagsCommandOutput> = {
  asks: () => askOfAll("DescribeTags"),
  run(asked, context) {
    const { items, more } = listed(asked, {
      all: () =>
        allTagged(context).flatMap((record) =>
          Object.entries(record.spec.tags).map(([Key, Value]) => ({
            serial: record.serial,
            Key,
            Value,
            ResourceId: idOf(record),
            ResourceType: typeOf(record),
          })),
        ),
      find: () => [],
      facts: {
        key: ({ Key }) => Key,
        value: ({ Value }) => Value,
        "resource-id": ({ ResourceId }) => ResourceId,
        "resource-type": ({ ResourceType }) => ResourceType,
        "tag:": ({ Key, Value }) => [`${Key}\0${Value}`],
      },
      orderOf: ({ ResourceId, Key }) => `${ResourceId} ${Key}`,
    });
    return {
      Tags: items.map(({ serial: _serial, ResourceType, ...tag }) => ({
        ...tag,
        ResourceType: ResourceType as "instance",
      })),
      ...more,
    };
  },
};
