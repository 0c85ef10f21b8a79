import type { ListQueuesCommandInput, ListQueuesCommandOutput } from "@aws-sdk/client-sqs";
import type { AwsOperation } from "../call.ts";
import { page } from "../paging.ts";
import { listedAtMost } from "./listed-at-most.ts";
import { ownArn, urlOf } from "./queue-of.ts";

export const listQueues: AwsOperation<ListQueuesCommandInput, ListQueuesCommandOutput> = {
  asks: (_input, context) => ({ action: "sqs:ListQueues", resource: ownArn("*", context) }),
  run({ QueueNamePrefix = "", MaxResults, NextToken }, context) {
    const { parts, caller } = context;
    const queues = parts.queues
      .list(caller.project)
      .filter(({ spec }) => spec.title.startsWith(QueueNamePrefix));
    const { items, next } = page(queues, {
      nameOf: ({ spec }) => spec.title,
      token: NextToken,
      max: listedAtMost(MaxResults),
    });
    return {
      QueueUrls: items.map((queue) => urlOf(queue, context)),
      ...(next !== undefined && MaxResults !== undefined && { NextToken: next }),
    };
  },
};
