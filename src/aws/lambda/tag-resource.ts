import type { TagResourceCommandInput, TagResourceCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { tagConditions } from "./function-in.ts";
import { askOfTagged, checkTags, taggedIn } from "./tags.ts";

export const tagResource: AwsOperation<TagResourceCommandInput, TagResourceCommandOutput> = {
  asks({ Resource, Tags }, context) {
    const ask = askOfTagged("TagResource", Resource, context);
    return { ...ask, conditions: { ...ask.conditions, ...tagConditions("aws:RequestTag", Tags) } };
  },
  run({ Resource, Tags }, context) {
    const found = taggedIn(Resource, context);
    context.parts.functions.changeShared(found, ({ tags }) => {
      const all = checkTags({ ...tags, ...Tags });
      return all ? { tags: all } : {};
    });
    return {};
  },
};
