import type { ListTagsCommandInput, ListTagsCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { askOfTagged, taggedIn } from "./tags.ts";

export const listTags: AwsOperation<ListTagsCommandInput, ListTagsCommandOutput> = {
  asks: ({ Resource }, context) => askOfTagged("ListTags", Resource, context),
  run: ({ Resource }, context) => ({ Tags: { ...taggedIn(Resource, context).spec.tags } }),
};
