import type { DeleteQueueCommandInput, DeleteQueueCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const deleteQueue: AwsOperation<DeleteQueueCommandInput, DeleteQueueCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("DeleteQueue", QueueUrl, context),
  run({ QueueUrl }, context) {
    context.parts.queues.remove(queueOf(QueueUrl, context));
    return {};
  },
};
