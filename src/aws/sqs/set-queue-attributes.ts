import type {
  SetQueueAttributesCommandInput,
  SetQueueAttributesCommandOutput,
} from "@aws-sdk/client-sqs";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { specOf } from "./attributes.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";
import { checkRedrive } from "./redrive.ts";

export const setQueueAttributes: AwsOperation<
  SetQueueAttributesCommandInput,
  SetQueueAttributesCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("SetQueueAttributes", QueueUrl, context),
  run({ QueueUrl, Attributes = {} }, context) {
    const queue = queueOf(QueueUrl, context);
    const changed = specOf(Attributes as Record<string, string>, queue.spec.isFifo);
    if ("isFifo" in changed)
      throw new AwsError("InvalidAttributeName", 400, "Unknown Attribute FifoQueue.");
    const { project, spec } = queue;
    const arn = context.parts.queues.arnOf(queue);
    checkRedrive(changed, { arn, project, isFifo: spec.isFifo }, context);
    context.parts.queues.change(queue, changed);
    return {};
  },
};
