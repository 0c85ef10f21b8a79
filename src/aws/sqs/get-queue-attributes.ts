import type {
  GetQueueAttributesCommandInput,
  GetQueueAttributesCommandOutput,
} from "@aws-sdk/client-sqs";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { attributesOf } from "./attributes.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

const known = new Set(
  "All ApproximateNumberOfMessages ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible ContentBasedDeduplication CreatedTimestamp DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit KmsDataKeyReusePeriodSeconds KmsMasterKeyId LastModifiedTimestamp MaximumMessageSize MessageRetentionPeriod Policy QueueArn ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled VisibilityTimeout".split(
    " ",
  ),
);

export const getQueueAttributes: AwsOperation<
  GetQueueAttributesCommandInput,
  GetQueueAttributesCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("GetQueueAttributes", QueueUrl, context),
  run({ QueueUrl, AttributeNames = [] }, context) {
    const names = new Set<string>(AttributeNames);
    for (const name of names)
      if (!known.has(name))
        throw new AwsError("InvalidAttributeName", 400, `Unknown Attribute ${name.slice(0, 100)}.`);
    if (names.size === 0) return {};
    const { queues } = context.parts;
    const queue = queueOf(QueueUrl, context);
    const counts = queues.counts(queue);
    const all: Record<string, string> = {
      QueueArn: queues.arnOf(queue),
      ApproximateNumberOfMessages: String(counts.visible),
      ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
      ApproximateNumberOfMessagesDelayed: String(counts.delayed),
      ...attributesOf(queue.spec),
    };
    return {
      Attributes: names.has("All")
        ? all
        : Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name))),
    };
  },
};
