import type {
  Message,
  MessageAttributeValue,
  ReceiveMessageCommandInput,
  ReceiveMessageCommandOutput,
} from "@aws-sdk/client-sqs";
import { limits } from "#/base/limits.ts";
import type { MessageAttribute, MessageRecord } from "#/model/queue.ts";
import type { Received } from "#/queues/messages.ts";
import type { AwsOperation } from "../call.ts";
import { checkVisibility } from "./change-message-visibility.ts";
import { attributesMd5, invalid, md5Of } from "./messages.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const receiveMessage: AwsOperation<ReceiveMessageCommandInput, ReceiveMessageCommandOutput> =
  {
    asks: ({ QueueUrl }, context) => askOfQueue("ReceiveMessage", QueueUrl, context),
    async run(input, context) {
      const { MaxNumberOfMessages: max = 1, VisibilityTimeout, WaitTimeSeconds } = input;
      const queue = queueOf(input.QueueUrl, context);
      if (!Number.isInteger(max) || max < 1 || max > limits.queueBatchMax)
        throw invalid(
          "InvalidParameterValue",
          `Value ${max} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and ${limits.queueBatchMax}, if provided.`,
        );
      const waitSeconds = WaitTimeSeconds ?? queue.spec.waitSeconds;
      if (!(waitSeconds >= 0 && waitSeconds <= 20))
        throw invalid(
          "InvalidParameterValue",
          `Value ${waitSeconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`,
        );
      const visibilitySeconds = VisibilityTimeout ?? queue.spec.visibilitySeconds;
      checkVisibility(visibilitySeconds);
      const inFlightMax = queue.spec.isFifo ? limits.queueInFlightFifoMax : limits.queueInFlightMax;
      const { queues } = context.parts;
      if (queues.inFlight(queue) >= inFlightMax)
        throw invalid("OverLimit", `Too many messages of ${queue.spec.title} are in flight.`);
      const gone = new AbortController();
      context.response.once("close", () => gone.abort());
      const received = await queues.receive(queue, {
        max,
        visibilitySeconds,
        waitMs: waitSeconds * 1000,
        signal: gone.signal,
      });
      if (received.length === 0) return {};
      return { Messages: received.map((one) => told(one, input)) };
    },
  };

function told(
  { record, handle }: Received,
  {
    AttributeNames = [],
    MessageSystemAttributeNames = [],
    MessageAttributeNames = [],
  }: ReceiveMessageCommandInput,
): Message {
  const { id, body, attributes = {} } = record.spec;
  const wanted = new Set<string>([...AttributeNames, ...MessageSystemAttributeNames]);
  const facts = Object.entries(factsOf(record)).filter(
    ([name, value]) => value !== undefined && (wanted.has("All") || wanted.has(name)),
  );
  const named = Object.entries(attributes).filter(([name]) =>
    isWanted(MessageAttributeNames, name),
  );
  return {
    MessageId: id,
    ReceiptHandle: handle,
    Body: body,
    MD5OfBody: md5Of(body),
    ...(facts.length > 0 && { Attributes: Object.fromEntries(facts) as Record<string, string> }),
    ...(named.length > 0 && {
      MessageAttributes: Object.fromEntries(named.map(([name, value]) => [name, valueOf(value)])),
      MD5OfMessageAttributes: attributesMd5(Object.fromEntries(named))!,
    }),
  };
}

function factsOf({ spec, status }: MessageRecord): Record<string, string | undefined> {
  return {
    SenderId: spec.senderId,
    SentTimestamp: String(spec.sentAt),
    ApproximateReceiveCount: String(status.receives),
    ApproximateFirstReceiveTimestamp: String(status.firstReceivedAt ?? spec.sentAt),
    MessageGroupId: spec.groupId,
    MessageDeduplicationId: spec.dedupId,
    SequenceNumber: spec.sequence,
    AWSTraceHeader: spec.traceHeader,
    DeadLetterQueueSourceArn: spec.sourceArn,
  };
}

/** "All", ".*", "name" or "prefix.*". */
function isWanted(wanted: readonly string[], name: string): boolean {
  return wanted.some(
    (one) =>
      one === "All" ||
      one === ".*" ||
      one === name ||
      (one.endsWith(".*") && name.startsWith(one.slice(0, -1))),
  );
}

function valueOf({ type, text, binary }: MessageAttribute): MessageAttributeValue {
  return text === undefined
    ? { DataType: type, BinaryValue: Buffer.from(binary!, "base64") }
    : { DataType: type, StringValue: text };
}
