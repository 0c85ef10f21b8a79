import type {
  DeleteMessageBatchCommandInput,
  DeleteMessageBatchCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { eachOf } from "./batch.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const deleteMessageBatch: AwsOperation<
  DeleteMessageBatchCommandInput,
  DeleteMessageBatchCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("DeleteMessage", QueueUrl, context),
  run({ QueueUrl, Entries = [] }, context) {
    const queue = queueOf(QueueUrl, context);
    return eachOf(Entries, ({ ReceiptHandle = "" }, Id) => {
      context.parts.queues.delete(queue, ReceiptHandle);
      return { Id };
    });
  },
};
