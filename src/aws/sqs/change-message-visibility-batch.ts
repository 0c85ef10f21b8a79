import type {
  ChangeMessageVisibilityBatchCommandInput,
  ChangeMessageVisibilityBatchCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { eachOf } from "./batch.ts";
import { checkVisibility } from "./change-message-visibility.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const changeMessageVisibilityBatch: AwsOperation<
  ChangeMessageVisibilityBatchCommandInput,
  ChangeMessageVisibilityBatchCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("ChangeMessageVisibility", QueueUrl, context),
  run({ QueueUrl, Entries = [] }, context) {
    const queue = queueOf(QueueUrl, context);
    return eachOf(Entries, ({ ReceiptHandle = "", VisibilityTimeout = 0 }, Id) => {
      checkVisibility(VisibilityTimeout);
      context.parts.queues.changeVisibility(queue, ReceiptHandle, VisibilityTimeout);
      return { Id };
    });
  },
};
