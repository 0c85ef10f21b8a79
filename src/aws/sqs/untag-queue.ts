import type { UntagQueueCommandInput, UntagQueueCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const untagQueue: AwsOperation<UntagQueueCommandInput, UntagQueueCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("UntagQueue", QueueUrl, context),
  run({ QueueUrl, TagKeys = [] }, context) {
    const queue = queueOf(QueueUrl, context);
    const gone = new Set(TagKeys);
    const tags = Object.fromEntries(
      Object.entries(queue.spec.tags ?? {}).filter(([key]) => !gone.has(key)),
    );
    context.parts.queues.change(queue, { tags });
    return {};
  },
};
