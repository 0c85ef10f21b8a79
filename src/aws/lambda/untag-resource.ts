import type { UntagResourceCommandInput, UntagResourceCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { askOfTagged, taggedIn } from "./tags.ts";

export const untagResource: AwsOperation<UntagResourceCommandInput, UntagResourceCommandOutput> = {
  asks({ Resource, TagKeys = [] }, context) {
    const ask = askOfTagged("UntagResource", Resource, context);
    return { ...ask, conditions: { ...ask.conditions, "aws:TagKeys": TagKeys } };
  },
  run({ Resource, TagKeys = [] }, context) {
    const found = taggedIn(Resource, context);
    const gone = new Set(TagKeys);
    context.parts.functions.changeShared(found, ({ tags = {} }) => ({
      tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))),
    }));
    return {};
  },
};
