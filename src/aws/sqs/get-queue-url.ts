import type { GetQueueUrlCommandInput, GetQueueUrlCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfQueue, queueOf, urlOf } from "./queue-of.ts";

export const getQueueUrl: AwsOperation<GetQueueUrlCommandInput, GetQueueUrlCommandOutput> = {
  asks: (input, context) => askOfQueue("GetQueueUrl", pathOf(input, context), context),
  run: (input, context) => ({ QueueUrl: urlOf(queueOf(pathOf(input, context), context), context) }),
};

function pathOf(
  { QueueName = "", QueueOwnerAWSAccountId }: GetQueueUrlCommandInput,
  { caller }: AwsContext,
): string {
  return `/${QueueOwnerAWSAccountId ?? caller.accountId}/${QueueName}`;
}
