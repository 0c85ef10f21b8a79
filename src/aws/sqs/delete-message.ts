import type { DeleteMessageCommandInput, DeleteMessageCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const deleteMessage: AwsOperation<DeleteMessageCommandInput, DeleteMessageCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("DeleteMessage", QueueUrl, context),
  run({ QueueUrl, ReceiptHandle = "" }, context) {
    context.parts.queues.delete(queueOf(QueueUrl, context), ReceiptHandle);
    return {};
  },
};
