import type {
  ListDeadLetterSourceQueuesCommandInput,
  ListDeadLetterSourceQueuesCommandOutput,
} from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { page } from "../paging.ts";
import { listedAtMost } from "./listed-at-most.ts";
import { askOfQueue, queueOf, urlOf } from "./queue-of.ts";

/** Queues whose dead letters go to this one. */
export const listDeadLetterSourceQueues: AwsOperation<
  ListDeadLetterSourceQueuesCommandInput,
  ListDeadLetterSourceQueuesCommandOutput
> = {
  asks: ({ QueueUrl }, context) => askOfQueue("ListDeadLetterSourceQueues", QueueUrl, context),
  run({ QueueUrl, MaxResults, NextToken }, context) {
    const { queues } = context.parts;
    const queue = queueOf(QueueUrl, context);
    const arn = queues.arnOf(queue);
    const sources = queues
      .list(queue.project)
      .filter(({ spec }) => spec.redrive?.deadLetterArn === arn);
    const { items, next } = page(sources, {
      nameOf: ({ spec }) => spec.title,
      token: NextToken,
      max: listedAtMost(MaxResults),
    });
    return {
      queueUrls: items.map((source) => urlOf(source, context)),
      ...(next !== undefined && { NextToken: next }),
    };
  },
};
