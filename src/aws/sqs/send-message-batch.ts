import type {
  SendMessageBatchCommandInput,
  SendMessageBatchCommandOutput,
} from "@aws-sdk/client-sqs";
import { limits } from "#/base/limits.ts";
import type { AwsOperation } from "../call.ts";
import { eachOf } from "./batch.ts";
import { invalid, messageOf } from "./messages.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";
import { sentAs } from "./send-message.ts";

export const sendMessageBatch: AwsOperation<
  SendMessageBatchCommandInput,
  SendMessageBatchCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("SendMessage", QueueUrl, context),
  run({ QueueUrl, Entries = [] }, context) {
    const queue = queueOf(QueueUrl, context);
    let bytes = 0;
    for (const { MessageBody = "" } of Entries) bytes += Buffer.byteLength(MessageBody);
    if (bytes > limits.queueMessageBytesMax)
      throw invalid(
        "BatchRequestTooLong",
        `Batch requests cannot be longer than ${limits.queueMessageBytesMax} bytes. You have sent ${bytes} bytes.`,
      );
    return eachOf(Entries, (entry, Id) => {
      const { message } = messageOf(entry, queue.spec, context.caller.userId);
      return { Id, ...sentAs(context.parts.queues.send(queue, message), message.body) };
    });
  },
};
