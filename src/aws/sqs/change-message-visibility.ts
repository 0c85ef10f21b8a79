import type {
  ChangeMessageVisibilityCommandInput,
  ChangeMessageVisibilityCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { invalid } from "./messages.ts";
import { askOfQueue, queueOf } from "./queue-of.ts";

export const changeMessageVisibility: AwsOperation<
  ChangeMessageVisibilityCommandInput,
  ChangeMessageVisibilityCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("ChangeMessageVisibility", QueueUrl, context),
  run({ QueueUrl, ReceiptHandle = "", VisibilityTimeout = 0 }, context) {
    const queue = queueOf(QueueUrl, context);
    checkVisibility(VisibilityTimeout);
    context.parts.queues.changeVisibility(queue, ReceiptHandle, VisibilityTimeout);
    return {};
  },
};

const visibilitySecondsMax = 43_200;

/** Throws "InvalidParameterValue". */
export function checkVisibility(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > visibilitySecondsMax)
    throw invalid(
      "InvalidParameterValue",
      `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and ${visibilitySecondsMax}.`,
    );
}
