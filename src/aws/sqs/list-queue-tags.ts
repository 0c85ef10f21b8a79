import type { ListQueueTagsCommandInput, ListQueueTagsCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const listQueueTags: AwsOperation<ListQueueTagsCommandInput, ListQueueTagsCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("ListQueueTags", QueueUrl, context),
  run({ QueueUrl }, context) {
    const { tags } = queueOf(QueueUrl, context).spec;
    return tags && Object.keys(tags).length > 0 ? { Tags: tags } : {};
  },
};
