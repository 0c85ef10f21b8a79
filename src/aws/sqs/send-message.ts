import type { SendMessageCommandInput, SendMessageCommandOutput } from "@aws-sdk/client-sqs";
import type { MessageRecord } from "#/model/queue.ts";
import type { AwsOperation } from "../call.ts";
import { attributesMd5, md5Of, messageOf } from "./messages.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const sendMessage: AwsOperation<SendMessageCommandInput, SendMessageCommandOutput> = {
  asks: ({ QueueUrl }, context) => askOfQueue("SendMessage", QueueUrl, context),
  run(input, context) {
    const queue = queueOf(input.QueueUrl, context);
    const { message } = messageOf(input, queue.spec, context.caller.userId);
    return sentAs(context.parts.queues.send(queue, message), message.body);
  },
};

/** What is told of a message that was taken. One that came before has lost its text by now, perhaps. */
export function sentAs({ spec }: MessageRecord, body: string) {
  const { id, attributes, sequence } = spec;
  const md5 = attributesMd5(attributes);
  return {
    MessageId: id,
    MD5OfMessageBody: md5Of(body),
    ...(md5 !== undefined && { MD5OfMessageAttributes: md5 }),
    ...(sequence !== undefined && { SequenceNumber: sequence }),
  };
}
