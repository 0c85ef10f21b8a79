import type { PurgeQueueCommandInput, PurgeQueueCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const purgeQueue: AwsOperation<PurgeQueueCommandInput, PurgeQueueCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("PurgeQueue", QueueUrl, context),
  run({ QueueUrl }, context) {
    context.parts.queues.purge(queueOf(QueueUrl, context));
    return {};
  },
};
